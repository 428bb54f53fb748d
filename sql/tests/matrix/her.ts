// The mentor on whom the matrix turns: those around her who may know of her, those who
// may not, and a row that tells of her in every table.

import type { Sql } from "../../../scripts/server.ts";
import type { Caller } from "./expected.ts";
import { belongings, day, type Row, type Table, uuid, type World } from "./world.ts";

export const HERE = uuid("a", 1);
const ELSEWHERE = uuid("a", 2);
export const HER_CHAPTER = uuid("b", 1);
const OTHER_CHAPTER = uuid("b", 2);
const FOREIGN_CHAPTER = uuid("b", 3);
export const HER = uuid("d", 1);
const AWAY_FROM_CHAPTERS = uuid("d", 4);

/** Those among the callers who are somebody. */
export const PEOPLE: Partial<Record<Caller, string>> = {
  self: HER,
  peer: uuid("d", 2),
  asgn: uuid("e", 1),
  chap: uuid("e", 2),
  both: uuid("e", 3),
  away: uuid("e", 4),
  admn: uuid("e", 5),
  admo: uuid("e", 6),
  link: uuid("e", 7),
  left: uuid("e", 8),
  nobd: uuid("e", 9),
};
export const person = (caller: Caller) => PEOPLE[caller] ?? uuid("f", 1);

const MENTORS = [
  [HER, HERE, HER_CHAPTER],
  [person("peer"), HERE, HER_CHAPTER],
  [uuid("d", 3), HERE, OTHER_CHAPTER],
  [AWAY_FROM_CHAPTERS, HERE, null],
  [uuid("d", 5), ELSEWHERE, FOREIGN_CHAPTER],
  [uuid("d", 6), ELSEWHERE, null],
] as const;
const ROSTER = MENTORS.map(([id, organisation_id, chapter_id]) => ({
  id,
  organisation_id,
  chapter_id,
  status: "active",
  joined_on: day(-300),
}));
const STAFF: [Caller, string, string][] = [
  ["asgn", HERE, "coordinator"],
  ["chap", HERE, "coordinator"],
  ["both", HERE, "coordinator"],
  ["away", HERE, "coordinator"],
  ["admn", HERE, "admin"],
  ["admo", ELSEWHERE, "admin"],
  ["link", ELSEWHERE, "coordinator"],
];
const ASSIGNMENTS: [Caller, string][] = [
  ["asgn", HER],
  ["both", HER],
  ["link", HER],
  ["left", HER],
  ["away", AWAY_FROM_CHAPTERS],
  ["link", uuid("d", 6)],
];
const COORDINATORS: [Caller, string][] = [
  ["chap", HER_CHAPTER],
  ["both", HER_CHAPTER],
  ["link", HER_CHAPTER],
  ["left", HER_CHAPTER],
  ["away", OTHER_CHAPTER],
  ["link", FOREIGN_CHAPTER],
];

export const WORLD: World = {
  organisations: [HERE, ELSEWHERE].map((id) => ({ id, name: "Organisation" })),
  chapters: [
    { id: HER_CHAPTER, organisation_id: HERE, name: "Chapter" },
    { id: OTHER_CHAPTER, organisation_id: HERE, name: "Chapter" },
    { id: FOREIGN_CHAPTER, organisation_id: ELSEWHERE, name: "Chapter" },
  ],
  peer_mentors: ROSTER,
  ...belongings(ROSTER),
  staff: STAFF.map(([caller, organisation_id, role]) => ({
    user_id: person(caller),
    organisation_id,
    role,
  })),
  coordinator_assignments: ASSIGNMENTS.map(([caller, peer_mentor_id]) => ({
    coordinator_id: person(caller),
    peer_mentor_id,
  })),
  chapter_coordinators: COORDINATORS.map(([caller, chapter_id]) => ({
    coordinator_id: person(caller),
    chapter_id,
  })),
};

/** The rows that tell of her: the only ones of which it matters who sees or changes them. */
export function isHers(table: Table, row: Row): boolean {
  switch (table) {
    case "organisations":
      return row["id"] === HERE;
    case "staff":
      return row["organisation_id"] === HERE;
    case "chapters":
      return row["id"] === HER_CHAPTER;
    case "chapter_coordinators":
      return row["chapter_id"] === HER_CHAPTER;
    case "peer_mentors":
      return row["id"] === HER;
    case "coordinator_assignments":
      return row["peer_mentor_id"] === HER;
    default:
      return row["user_id"] === HER;
  }
}

export const RUNNING = uuid("9", 1);
export const ENDED = uuid("9", 2);
export const PUSH = 1000;
export const LEASE = uuid("8", 1);
export const ROUND = new Date().toISOString();

/** What the engine has of her: runs, a push that is due, one that is being sent, and what is required of her. */
export async function engage(sql: Sql): Promise<void> {
  await sql.unsafe(`
    select tests.configured();
    insert into scheduler.invocations (id, job_name, status, organisation_ids, started_at, heartbeat_at, finished_at)
    values
      ('${RUNNING}', 'scenario-evaluation', 'running', array['${HERE}']::uuid[], now(), now(), null),
      ('${ENDED}', 'scenario-evaluation', 'completed', array['${HERE}']::uuid[], now(), now(), now());
    select tests.queued('${HER}', 'milestone', 'milestone:1', tests.today() - 20, 'pending');
    select tests.queued('${HER}', 'milestone', 'milestone:10', tests.today() - 19, 'sending');
    update scheduler.notifications
    set id = ${PUSH}, lease_token = '${LEASE}', lease_expires_at = now() + interval '5 minutes'
    where status = 'sending';
    insert into scheduler.required_certifications (organisation_id, name)
    select distinct '${HERE}'::uuid, name from public.certifications;
    insert into scheduler.portal_syncs (source, round_started_at) values ('portal', '${ROUND}');
  `);
}
