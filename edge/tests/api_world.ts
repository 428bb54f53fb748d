// A world for the API: two organisations with staff and mentors in a database of
// its own, a stand-in of Supabase Auth, and the function with the API's own login.

import { type EdgeFunction, startEdgeFunction } from "../../scripts/edge_function.ts";
import { type FakeAuth, startFakeAuth } from "../../scripts/fake_auth.ts";
import type { Sql } from "../../scripts/server.ts";
import { server, type TestDatabase, testDatabase } from "../../scripts/testing.ts";

export const RUNS = "/api/v1/scheduler-invocations";

/** Who can call. The admin and the coordinators are of NORTH, the other admin of SOUTH. */
export const PEOPLE = {
  admin: "a0000000-0000-4000-8000-000000000001",
  /** Follows up one mentor by assignment, and those of one chapter. */
  coordinator: "a0000000-0000-4000-8000-000000000002",
  /** Follows up nobody. */
  idleCoordinator: "a0000000-0000-4000-8000-000000000003",
  otherAdmin: "a0000000-0000-4000-8000-000000000004",
  mentor: "b0000000-0000-4000-8000-000000000001",
  nobody: "c0000000-0000-4000-8000-000000000001",
} as const;

export type Person = keyof typeof PEOPLE;

export const NORTH = "d0000000-0000-4000-8000-000000000001";
export const SOUTH = "d0000000-0000-4000-8000-000000000002";
export const CHAPTER = "e0000000-0000-4000-8000-000000000001";
export const SOUTHERN_CHAPTER = "e0000000-0000-4000-8000-000000000002";

const mentor = (number: number) => `b0000000-0000-4000-8000-${String(number).padStart(12, "0")}`;

/** All active and due for a first reminder, but for the last, which is paused. */
export const MENTORS = {
  /** PEOPLE.mentor herself, without a chapter. */
  assigned: mentor(1),
  inChapter: mentor(2),
  assignedInChapter: mentor(3),
  outOfReach: mentor(4),
  southern: mentor(5),
  pausedInChapter: mentor(6),
} as const;

export interface Answer {
  status: number;
  headers: Headers;
  /** Parsed where it is JSON. */
  // deno-lint-ignore no-explicit-any -- a test looks into it as it comes
  body: any;
  text: string;
}

async function populate(sql: Sql): Promise<void> {
  await sql`
    insert into public.organisations (id, name) values (${NORTH}, 'North'), (${SOUTH}, 'South')
  `;
  await sql`
    insert into public.chapters (id, organisation_id, name)
    values (${CHAPTER}, ${NORTH}, 'Northern'), (${SOUTHERN_CHAPTER}, ${SOUTH}, 'Southern')
  `;
  await sql`
    insert into public.peer_mentors (id, organisation_id, chapter_id, status, joined_on)
    values
      (${MENTORS.assigned}, ${NORTH}, null, 'active', '2025-01-01'),
      (${MENTORS.inChapter}, ${NORTH}, ${CHAPTER}, 'active', '2025-01-01'),
      (${MENTORS.assignedInChapter}, ${NORTH}, ${CHAPTER}, 'active', '2025-01-01'),
      (${MENTORS.outOfReach}, ${NORTH}, null, 'active', '2025-01-01'),
      (${MENTORS.southern}, ${SOUTH}, ${SOUTHERN_CHAPTER}, 'active', '2025-01-01'),
      (${MENTORS.pausedInChapter}, ${NORTH}, ${CHAPTER}, 'paused', '2025-01-01')
  `;
  await sql`
    insert into public.device_tokens (token, user_id)
    select 'device of ' || mentor.id, mentor.id from public.peer_mentors as mentor
  `;
  await sql`
    insert into public.staff (user_id, organisation_id, role)
    values
      (${PEOPLE.admin}, ${NORTH}, 'admin'),
      (${PEOPLE.coordinator}, ${NORTH}, 'coordinator'),
      (${PEOPLE.idleCoordinator}, ${NORTH}, 'coordinator'),
      (${PEOPLE.otherAdmin}, ${SOUTH}, 'admin')
  `;
  await sql`
    insert into public.coordinator_assignments (coordinator_id, peer_mentor_id)
    values (${PEOPLE.coordinator}, ${MENTORS.assigned}), (${PEOPLE.coordinator}, ${MENTORS.assignedInChapter})
  `;
  await sql`
    insert into public.chapter_coordinators (coordinator_id, chapter_id)
    values (${PEOPLE.coordinator}, ${CHAPTER})
  `;
}

/**
 * The address for the API's login. The login belongs to the whole server, so every
 * world gives it the same password, in its turn.
 */
async function apiUrl(database: TestDatabase): Promise<string> {
  const admin = database.session("supabase_admin");
  await admin.begin(async (transaction) => {
    await transaction`select pg_advisory_xact_lock(hashtext('scheduler_api'))`;
    await transaction.unsafe(`alter role scheduler_api password '${server.password}'`);
  });
  const url = new URL(database.url);
  url.username = "scheduler_api";
  url.password = server.password;
  return url.href;
}

export class ApiWorld {
  readonly sql: Sql;
  readonly #tokens = new Map<string, Promise<string>>();

  private constructor(
    readonly database: TestDatabase,
    readonly auth: FakeAuth,
    readonly api: EdgeFunction,
  ) {
    this.sql = database.sql;
  }

  static async make(environment: Record<string, string> = {}): Promise<ApiWorld> {
    const [database, auth] = await Promise.all([testDatabase(), startFakeAuth()]);
    try {
      await populate(database.sql);
      // Whatever is asked for stays asked for: nobody listens there.
      await database.sql`
        select scheduler.configure_edge(url => 'http://127.0.0.1:9/', secret => ${"0".repeat(64)})
      `;
      const api = await startEdgeFunction({
        name: "api",
        environment: {
          SUPABASE_URL: auth.url,
          SUPABASE_ANON_KEY: "anon key",
          SCHEDULER_API_DB_URL: await apiUrl(database),
          ...environment,
        },
      });
      return new ApiWorld(database, auth, api);
    } catch (error) {
      await auth.stop();
      await database.drop();
      throw error;
    }
  }

  async end(): Promise<void> {
    await this.api.stop();
    await this.auth.stop();
    await this.database.drop();
  }

  /** A good token of that person, made once. */
  token(person: Person): Promise<string> {
    const made = this.#tokens.get(person) ?? this.auth.token({ sub: PEOPLE[person] });
    this.#tokens.set(person, made);
    return made;
  }

  /** A request below the runs, from a person or, with null, without a token. */
  async call(
    person: Person | null,
    method: string,
    path = "",
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const url = path.startsWith("/api/") ? path : `${RUNS}${path}`;
    return await this.send(url, {
      method,
      headers: {
        ...(person ? { authorization: `Bearer ${await this.token(person)}` } : {}),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      body: body === undefined ? null : JSON.stringify(body),
    });
  }

  /** A request as it is. */
  async send(path: string, init: RequestInit = {}): Promise<Answer> {
    const response = await fetch(`${this.api.url.replace(/\/$/, "")}${path}`, init);
    const text = await response.text();
    const isJson = /json/.test(response.headers.get("content-type") ?? "") && text !== "";
    return {
      status: response.status,
      headers: response.headers,
      body: isJson ? JSON.parse(text) : undefined,
      text,
    };
  }

  /** A run in the ledger; of NORTH, unless told otherwise. Returns its id. */
  async addRun(
    columns: {
      status?: string;
      job_name?: string;
      requested_at?: string;
      organisation_ids?: string[] | null;
      dry_run?: boolean;
    } = {},
  ): Promise<string> {
    const {
      status = "completed",
      job_name = "scenario-evaluation",
      requested_at = new Date().toISOString(),
      organisation_ids = [NORTH],
      dry_run = false,
    } = columns;
    const [row] = await this.sql<{ id: string }[]>`
      insert into scheduler.invocations (
        job_name, status, triggered_by, requested_at, started_at, heartbeat_at, organisation_ids, dry_run
      )
      values (
        ${job_name}, ${status}, 'test', ${requested_at}::text::timestamptz,
        ${requested_at}::text::timestamptz,
        ${status === "running" ? requested_at : null}::text::timestamptz,
        ${organisation_ids}, ${dry_run}
      )
      returning id
    `;
    return row?.id ?? "";
  }
}

export async function inApiWorld(
  test: (world: ApiWorld) => Promise<void>,
  environment: Record<string, string> = {},
): Promise<void> {
  const world = await ApiWorld.make(environment);
  try {
    await test(world);
  } finally {
    await world.end();
  }
}
