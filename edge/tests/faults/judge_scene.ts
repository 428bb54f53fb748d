// A world in which everything went well, for the judge's tests to break.

import assert from "node:assert/strict";
import type { Accepted } from "../../../scripts/fake_fcm.ts";
import type { Sql } from "../../../scripts/server.ts";
import { type TestDatabase, testDatabase } from "../../../scripts/testing.ts";
import { judge, type Rule } from "./judge.ts";

export const QUARANTINING = "bbbbbbbb-0000-4000-8000-000000000000";

interface Claimed {
  notification_id: number;
  lease_token: string;
  user_id: string;
  collapse_key: string;
  data: Record<string, string>;
  devices: { token: string }[];
}

/** What the provider keeps of a page that it accepts. */
function acceptAll(page: readonly Claimed[], log: Accepted[]): void {
  for (const { collapse_key, data, devices } of page) {
    for (const { token } of devices) {
      log.push({
        at: Date.now(),
        token,
        title: "",
        body: "",
        collapseKey: collapse_key,
        androidTag: collapse_key,
        apnsCollapseId: collapse_key,
        ttlSeconds: 60,
        data,
        validateOnly: false,
        messageId: `0:${log.length + 1}%fake`,
      });
    }
  }
}

/** Six mentors: the last has two devices, the first two are of an organisation that quarantines. */
async function sendToAll(sql: Sql): Promise<Accepted[]> {
  await sql`
    update scheduler.organisation_settings set quiet_start = null, quiet_end = null
    where organisation_id is null
  `;
  await sql`
    insert into public.organisations (id, name)
    values (md5('organisation')::uuid, 'Organisation'), (${QUARANTINING}, 'Organisation')
  `;
  await sql`
    insert into scheduler.organisation_settings (organisation_id, on_ambiguous)
    values (${QUARANTINING}, 'quarantine')
  `;
  await sql`
    insert into public.peer_mentors (id, organisation_id, joined_on)
    select
      ('00000000-0000-4000-8000-00000000000' || n)::uuid,
      case when n <= 2 then ${QUARANTINING} else md5('organisation')::uuid end,
      '2025-01-01'
    from generate_series(1, 6) as n
  `;
  await sql`
    insert into public.device_tokens (token, user_id)
    select 'device of ' || n, ('00000000-0000-4000-8000-00000000000' || least(n, 6))::uuid from generate_series(1, 7) as n
  `;
  await sql`select from public.run_scenario_evaluation()`;
  const [run] = await sql<{ id: string }[]>`
    select id from public.start_invocation(job_name => 'dispatch-backlog')
  `;
  const id = run?.id ?? "";
  const page = await sql<Claimed[]>`
    select notification_id::integer, lease_token, user_id, collapse_key, data, devices
    from public.claim_notifications(batch_size => 100, lease => '1 minute', invocation_id => ${id})
    order by notification_id
  `;
  const log: Accepted[] = [];
  acceptAll(page, log);
  const results = log.map(({ token, data, messageId }) => {
    const of = page.find((one) => one.notification_id === Number(data["notification_id"]));
    return {
      notification_id: of?.notification_id,
      lease_token: of?.lease_token,
      token,
      outcome: "sent",
      message_id: `projects/fake/messages/${messageId}`,
    };
  });
  await sql`
    select from public.record_push_results(
      results => ${JSON.stringify(results)}::text::jsonb, invocation_id => ${id}
    )
  `;
  await sql`
    select from public.finish_invocation(
      invocation_id => ${id}, status => 'completed', total_dispatched => ${page.length}, pages_processed => 1
    )
  `;
  return log;
}

export interface Scene {
  sql: Sql;
  log: Accepted[];
}

/** What the judge must see, and nothing else. */
interface Seen {
  rules?: Rule[];
  lost?: number;
  doubled?: number;
  ambiguous?: number;
  failedRuns?: Record<string, number>;
}

export interface Planted extends Seen {
  what: string;
  plant(scene: Scene): Promise<unknown> | void;
}

/** Of an organisation that quarantines; of one that doesn't, with one device; of that, with two. */
export const first = (log: Accepted[]) => log[0] as Accepted;
export const fourth = (log: Accepted[]) => log[3] as Accepted;
export const last = (log: Accepted[]) => log.at(-1) as Accepted;
export const FOURTH = "00000000-0000-4000-8000-000000000004";

export const idOf = ({ data }: Accepted) => Number(data["notification_id"]);
export const again = (accepted: Accepted): Accepted => ({ ...accepted, messageId: "0:99%fake" });

/** A notification was not sent, for which its row then has to have a reason. */
export const wasNotSent = async (
  { sql, log }: Scene,
  row: { status: string; reason?: string; attempts?: number },
  of = fourth,
) => {
  const { status, reason = null, attempts = 0 } = row;
  const id = idOf(of(log));
  log.splice(log.indexOf(of(log)), 1);
  await sql`delete from scheduler.push_attempts where notification_id = ${id}`;
  await sql`
    update scheduler.notifications
    set status = ${status}, status_reason = ${reason}, attempts = ${attempts}, sent_at = null
    where id = ${id}
  `;
  await sql`update scheduler.invocations set total_dispatched = 5 where total_dispatched = 6`;
};

let database: TestDatabase;
let log: Accepted[];

/** To be called by each file of tests, once. */
export function beforeTheJudge(): void {
  Deno.test.beforeAll(async () => {
    database = await testDatabase();
    log = await sendToAll(database.sql);
  });
  Deno.test.afterAll(() => database.drop());
}

export const untouched = (): Scene => ({ sql: database.sql, log });

async function assertSees(plant: Planted["plant"], wanted: Seen): Promise<void> {
  const { sql } = database;
  const scene = { sql, log: log.map((accepted) => ({ ...accepted })) };
  await sql`begin`;
  try {
    await plant(scene);
    const verdict = await judge(sql, scene.log);
    const { doubled, lost, ambiguous, failedRuns } = verdict;
    const seen: Required<Seen> = {
      rules: [...new Set(verdict.broken.map(({ rule }) => rule))].sort(),
      lost: lost.length,
      doubled: doubled.length,
      ambiguous,
      failedRuns,
    };
    const { rules = [], ...rest } = wanted;
    const nothing = { lost: 0, doubled: 0, ambiguous: 0, failedRuns: {} };
    assert.deepEqual(
      seen,
      { ...nothing, ...rest, rules: [...rules].sort() },
      JSON.stringify(verdict, null, 2),
    );
  } finally {
    await sql`rollback`;
  }
}

export function testThatItSees(planted: readonly Planted[]): void {
  for (const { what, plant, ...seen } of planted) {
    Deno.test(`the judge sees ${what}`, () => assertSees(plant, seen));
  }
}

export function testThatItLetsBe(right: readonly Planted[]): void {
  for (const { what, plant } of right) {
    Deno.test(`the judge has nothing to say of ${what}`, () => assertSees(plant, {}));
  }
}
