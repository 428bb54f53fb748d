// sqlsmith, as everybody who may enter the database: what it finds in it, and what
// comes of it.

import { connect, type Server, type Sql } from "../../../scripts/server.ts";
import { Aviary, type Bird, CANARY, type Ids, MAGPIE, SPARROW } from "./canaries.ts";
import { makeLens, openLens } from "./lens.ts";
import { type DatabaseError, Listener } from "./listener.ts";

const SQLSMITH = "/usr/bin/sqlsmith";

const uuid = (kind: string, number: number) =>
  `${kind.repeat(8)}-0000-4000-8000-${String(number).padStart(12, "0")}`;

const HERE: Ids = {
  organisation: uuid("a", 1),
  chapter: uuid("b", 1),
  mentor: uuid("d", 1),
  coordinator: uuid("e", 1),
  run: uuid("9", 1),
  row: 1,
};
/** A colleague whom another coordinator follows up, in another chapter. */
const COLLEAGUE: Ids = {
  organisation: HERE.organisation,
  chapter: uuid("b", 2),
  mentor: uuid("d", 2),
  coordinator: uuid("e", 2),
  run: uuid("9", 50),
  row: 20,
};
/** Those of the other organisation whose ids everybody knows. */
const KNOWN: Ids = {
  organisation: uuid("a", 3),
  chapter: uuid("b", 3),
  mentor: uuid("d", 3),
  coordinator: uuid("e", 3),
  run: uuid("9", 60),
  row: 20,
};
const ADMIN = uuid("e", 4);

/** Columns, as table.column, that somebody is to know. */
interface Reach {
  /** Of the rows about the mentor who is a caller, and of their organisation. */
  own: RegExp;
  colleagues: RegExp;
  others: RegExp;
}

export interface Caller {
  name: string;
  login: "scheduler_dispatcher" | "scheduler_api" | "authenticator";
  role?: "anon" | "authenticated";
  /** Whom the claims name. */
  person?: string;
  reach: Reach;
}

const NOTHING = /^$/;
const ANYTHING = /^/;
const NOWHERE: Reach = { own: NOTHING, colleagues: NOTHING, others: NOTHING };

// Whom a push goes to, over which device, and what it says; how a run ended.
const TO_SEND = new RegExp(
  [
    "(notifications|device_tokens|mentor_state|invocations)\\.",
    "(organisations|peer_mentors)\\.id$",
    "scenario_templates\\.(title|body)$",
  ].map((column) => `^${column}`).join("|"),
);

/** What staff are told of any run of their organisation. */
const RUNS = /^invocations\.|^invocation_notes\.note$/;
/**
 * What an admin is told of everybody: what became of the last push, but not what it said, on which
 * devices, or what somebody opted out of.
 */
const ADMINISTERED = new RegExp(
  [
    "(peer_mentors|activities|certifications|mentor_status_history)\\.",
    "(chapters|chapter_coordinators|coordinator_assignments|staff)\\.",
    "(invocations|invocation_shares)\\.",
    "invocation_notes\\.note$",
    "mentor_state\\.last_activity_on$",
    "notifications\\.(evaluation_date|status_reason|sent_at)$",
  ].map((column) => `^${column}`).join("|"),
);

const person = (name: string, id: string, reach: Reach): Caller => ({
  name,
  login: "authenticator",
  role: "authenticated",
  person: id,
  reach,
});

export const A_MENTOR = person("a mentor", HERE.mentor, {
  own: ANYTHING,
  colleagues: NOTHING,
  others: NOTHING,
});

export const CALLERS: Caller[] = [
  {
    name: "scheduler_dispatcher",
    login: "scheduler_dispatcher",
    reach: { own: TO_SEND, colleagues: TO_SEND, others: TO_SEND },
  },
  { name: "scheduler_api", login: "scheduler_api", reach: NOWHERE },
  { name: "anon", login: "authenticator", role: "anon", reach: NOWHERE },
  A_MENTOR,
  person("a coordinator", HERE.coordinator, {
    own: ANYTHING,
    colleagues: RUNS,
    others: NOTHING,
  }),
  person("an admin", ADMIN, { own: ANYTHING, colleagues: ADMINISTERED, others: NOTHING }),
  person("nobody", uuid("f", 1), NOWHERE),
];

/** Whether somebody is to see anything at all. */
export const sees = ({ reach }: Caller) => reach.own !== NOTHING;

/** What this project's functions answer on purpose; a constraint has a name that says its rule. */
const DELIBERATE = ["22004", "22023", "23514", "42501", "55000", "57014", "F0000", "P0002"];

/** What PostgreSQL's own functions answer to odd arguments: as if something were wrong with the server. */
const PLATFORMS =
  /^(unsupported object class|invalid INTERVAL typmod|unrecognized interval typmod|could not stat file "pg_tblspc)/;
const NAMES_OURS = /\b(public|scheduler)\./;

/** Statements among which there are some of each kind, whatever the seed. */
const SOME = 100;
/** Statements of which some show a row, whatever the seed. */
const ENOUGH = 1000;

/** Refuses to begin where sqlsmith is not. */
export async function findSqlsmith(): Promise<void> {
  await Deno.stat(SQLSMITH).catch(() => {
    throw new Error(`${SQLSMITH} is missing. On Debian: sudo apt-get install sqlsmith`);
  });
}

/** Two organisations, and what sqlsmith looks through. */
export async function prepare(admin: Sql): Promise<Aviary> {
  const aviary = await Aviary.read(admin);
  const rows = Array.from({ length: 12 }, (_, position) => position + 1);
  const manyAbout = (bird: Bird, known: Ids) =>
    rows.map((row) => aviary.tellingIds(bird, known.row + row));
  await aviary.plant(admin, SPARROW, rows.map((row) => ({ ...HERE, run: uuid("9", row), row })));
  await aviary.plant(admin, MAGPIE, [
    COLLEAGUE,
    ...manyAbout(MAGPIE, COLLEAGUE).map((ids) => ({ ...ids, organisation: HERE.organisation })),
  ]);
  await aviary.plant(admin, CANARY, [KNOWN, ...manyAbout(CANARY, KNOWN)]);
  await admin`
    insert into public.staff (user_id, organisation_id, role) values (${ADMIN}, ${HERE.organisation}, 'admin')
  `;
  await makeLens(admin, [HERE, COLLEAGUE, KNOWN]);
  await admin.unsafe("analyze");
  return aviary;
}

const BIRDS: [keyof Reach, Bird][] = [["own", SPARROW], ["colleagues", MAGPIE], ["others", CANARY]];
const WHOSE: Record<keyof Reach, string> = {
  own: "the caller's own organisation",
  colleagues: "colleagues",
  others: "the other organisation",
};

/** What came of the statements that one caller tried. */
export interface Round {
  caller: Caller;
  seed: number;
  statements: number;
  succeeded: number;
  rows: number;
  notices: number;
  seconds: number;
  /** How often what of its own organisation was seen, in rows. */
  own: number;
  byCode: Map<string, number>;
  /** Internal errors that are PostgreSQL's own and known. */
  platforms: string[];
  complaints: string[];
}

const shorten = (text: string) => text.length > 3000 ? `${text.slice(0, 3000)} …` : text;

/** The functions of this project that an error came out of. */
function raisedIn({ context }: DatabaseError, own: Set<string>): string[] {
  const named = context.matchAll(/function "?(?:(?:public|scheduler|auth)\.)?(\w+)/g);
  return [...named].map(([, name]) => name ?? "").filter((name) => own.has(name));
}

/** One run of sqlsmith: so many statements, or so many as it manages in the time. */
async function smith(
  { admin, port, database, caller, seed, statements, seconds, password, catalog }: {
    admin: Sql;
    port: number;
    database: string;
    caller: Caller;
    seed: number;
    statements: number;
    seconds: number;
    password: string;
    /** Whether it also looks into the catalog's own tables and all of its functions. */
    catalog: boolean;
  },
): Promise<string> {
  await openLens(admin, { role: caller.role ?? caller.login, catalog, seed });
  const settings: Record<string, string> = {
    jit: "off",
    ...(caller.role ? { role: caller.role } : {}),
    ...(caller.person
      ? {
        "request.jwt.claims": JSON.stringify({ sub: caller.person, role: caller.role }),
      }
      : {}),
  };
  const target = `host=127.0.0.1 port=${port} dbname=${database} user=${caller.login}`;
  const child = new Deno.Command(SQLSMITH, {
    args: [
      `--target=${target} sslmode=disable gssencmode=disable`,
      `--seed=${seed}`,
      `--max-queries=${statements}`,
    ],
    env: {
      PGPASSWORD: password,
      PGOPTIONS: Object.entries(settings).map(([name, value]) => `-c ${name}=${value}`).join(" "),
    },
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const end = setTimeout(() => child.kill(), seconds * 1000);
  const { stderr } = await child.output();
  clearTimeout(end);
  return new TextDecoder().decode(stderr);
}

/** Lets a caller try statements and says what came of them, and what should not have. */
export async function runRound(
  { server, database, aviary, caller, seed, statements, seconds, catalog = [false, true] }: {
    server: Pick<Server, "port" | "password" | "url">;
    database: string;
    aviary: Aviary;
    caller: Caller;
    seed: number;
    statements: number;
    seconds: number;
    /** The parts: among this project's tables only, or among the catalog's too. */
    catalog?: boolean[];
  },
): Promise<Round> {
  const started = performance.now();
  const complaints: string[] = [];
  const seenFrom = new Set<string>();
  let own = 0;
  const listener = new Listener(server.port, ({ kind, text, statement }) => {
    for (const [whose, bird] of BIRDS) {
      const seen = aviary.seen(bird, text);
      if (whose === "own" && seen.size > 0) own++;
      for (const column of seen) {
        const what = `${column} of ${WHOSE[whose]}`;
        if (caller.reach[whose].test(column) || seenFrom.has(what)) continue;
        seenFrom.add(what);
        complaints.push(`${what} in a ${kind}: ${shorten(text)}\n${shorten(statement)}`);
      }
    }
  });
  const admin = connect(server.url(database, "supabase_admin"));
  let said = "";
  let ownFunctions = new Set<string>();
  // A backend that crashes takes every session with it.
  const backend = async () => {
    const [session] = await admin<{ pid: number }[]>`select pg_backend_pid() as pid`;
    return session?.pid;
  };
  try {
    const before = await backend();
    const names = await admin<{ name: string }[]>`
      select proname as name from pg_proc
      where pronamespace in ('public'::regnamespace, 'scheduler'::regnamespace, 'auth'::regnamespace)
    `;
    ownFunctions = new Set(names.map(({ name }) => name));
    for (const [part, withCatalog] of catalog.entries()) {
      said += await smith({
        admin,
        port: listener.port,
        password: server.password,
        database,
        caller,
        seed,
        statements: Math.ceil((statements - listener.statements) / (catalog.length - part)),
        seconds: seconds / catalog.length,
        catalog: withCatalog,
      });
    }
    if (await backend() !== before) complaints.push("the server began anew");
  } finally {
    await listener.end();
    await admin.end();
  }

  const platforms: string[] = [];
  const byCode = new Map<string, number>();
  for (const error of listener.errors) {
    byCode.set(error.code, (byCode.get(error.code) ?? 0) + 1);
    const where = `${error.code} ${error.message}\n${error.context}\n${shorten(error.statement)}`;
    const isOurs = raisedIn(error, ownFunctions).length > 0;
    const isPlatforms = !isOurs &&
      (PLATFORMS.test(error.message) || !NAMES_OURS.test(error.statement));
    if (/^(XX|58)/.test(error.code) && isPlatforms) {
      platforms.push(`${error.code} ${error.message}`);
    } else if (/^XX/.test(error.code)) {
      complaints.push(`an internal error: ${where}`);
    } else if (/^(57P|58)/.test(error.code)) {
      complaints.push(`the server is not well: ${where}`);
    } else if (isOurs && !DELIBERATE.includes(error.code)) {
      complaints.push(`an error that no function of this project means: ${where}`);
    }
  }
  for (const unsaid of statements >= SOME ? listener.unsaid() : []) {
    complaints.push(`sqlsmith no longer writes ${unsaid}, which listener.ts puts another text for`);
  }
  if (listener.lost > 0) complaints.push(`the server closed ${listener.lost} connections`);
  if (sees(caller) && statements >= ENOUGH && own === 0) {
    complaints.push("nothing of its own organisation was seen, so not much can have been tried");
  }
  if (listener.statements < statements) {
    complaints.push(
      `${listener.statements} of ${statements} statements in ${seconds} s: ${said.slice(-500)}`,
    );
  }
  return {
    caller,
    seed,
    statements: listener.statements,
    succeeded: listener.statements - listener.errors.length,
    rows: listener.rows,
    notices: listener.notices,
    seconds: (performance.now() - started) / 1000,
    own,
    byCode,
    platforms,
    complaints,
  };
}
