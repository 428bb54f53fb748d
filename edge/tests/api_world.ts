// A world for the API: two organisations with staff and mentors in a database of
// its own, a stand-in of Supabase Auth, and the function with the API's own login.

import assert from "node:assert/strict";
import type { z } from "@hono/zod-openapi";
import { type EdgeFunction, startEdgeFunction } from "../../scripts/edge_function.ts";
import { type FakeAuth, startFakeAuth } from "../../scripts/fake_auth.ts";
import type { Sql } from "../../scripts/server.ts";
import { loginUrl, type TestDatabase, testDatabase } from "../../scripts/testing.ts";
import type { Fault } from "../api/problems.ts";
import type {
  BatchEvaluation,
  Invocation,
  InvocationWithFigures,
  MentorStatus,
  ProblemDetails,
} from "../api/schemas.ts";

export const RUNS = "/api/v1/scheduler-invocations";

/** Who can call. The admin and the coordinators are of NORTH, the others of SOUTH. */
export const PEOPLE = {
  admin: "a0000000-0000-4000-8000-000000000001",
  /** Follows up two mentors by assignment, and those of the chapter, of whom one is the same. */
  coordinator: "a0000000-0000-4000-8000-000000000002",
  /** Follows up nobody. */
  idleCoordinator: "a0000000-0000-4000-8000-000000000003",
  otherAdmin: "a0000000-0000-4000-8000-000000000004",
  /** Follows up two mentors by assignment, and no chapter. */
  byAssignment: "a0000000-0000-4000-8000-000000000005",
  /** Follows up those of the chapter, and nobody else. */
  byChapter: "a0000000-0000-4000-8000-000000000006",
  /** Follows up the southern mentor. */
  otherCoordinator: "a0000000-0000-4000-8000-000000000007",
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

type Problem = z.infer<typeof ProblemDetails>;

/** A run or a mentor, as a page has them. */
export type Row = Invocation & MentorStatus;

/**
 * All that an answer can have, whichever it is: a test looks at what it asked for, and finds
 * undefined where that is not there.
 */
export type Body =
  & Omit<InvocationWithFigures, "status" | "errors">
  & BatchEvaluation
  & Omit<Problem, "status" | "errors">
  & {
    status: string | number;
    errors: Fault[] & Record<string, number>;
    data: Row[];
    next_cursor: string | null;
  };

export interface Answer {
  status: number;
  headers: Headers;
  /** Parsed where it is JSON. */
  body: Body;
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
      (${PEOPLE.otherAdmin}, ${SOUTH}, 'admin'),
      (${PEOPLE.byAssignment}, ${NORTH}, 'coordinator'),
      (${PEOPLE.byChapter}, ${NORTH}, 'coordinator'),
      (${PEOPLE.otherCoordinator}, ${SOUTH}, 'coordinator')
  `;
  await sql`
    insert into public.coordinator_assignments (coordinator_id, peer_mentor_id)
    values
      (${PEOPLE.coordinator}, ${MENTORS.assigned}),
      (${PEOPLE.coordinator}, ${MENTORS.assignedInChapter}),
      (${PEOPLE.byAssignment}, ${MENTORS.assigned}),
      (${PEOPLE.byAssignment}, ${MENTORS.assignedInChapter}),
      (${PEOPLE.otherCoordinator}, ${MENTORS.southern})
  `;
  await sql`
    insert into public.chapter_coordinators (coordinator_id, chapter_id)
    values (${PEOPLE.coordinator}, ${CHAPTER}), (${PEOPLE.byChapter}, ${CHAPTER})
  `;
}

export interface ApiWorldOptions {
  environment?: Record<string, string>;
  /** Where the world is made, and left at its end; without it in a database of its own. */
  database?: TestDatabase;
  /** Another way to the database, given the direct one. */
  way?: (url: string) => string;
}

export class ApiWorld {
  readonly sql: Sql;
  readonly #tokens = new Map<string, Promise<string>>();

  private constructor(
    readonly database: TestDatabase,
    readonly auth: FakeAuth,
    readonly api: EdgeFunction,
    private readonly isDatabaseOwn: boolean,
  ) {
    this.sql = database.sql;
  }

  static async make(
    { environment = {}, database: given, way = (url) => url }: ApiWorldOptions = {},
  ): Promise<ApiWorld> {
    const [database, auth] = await Promise.all([given ?? testDatabase(), startFakeAuth()]);
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
          SCHEDULER_API_DB_URL: way(loginUrl(database, "scheduler_api")),
          ...environment,
        },
      });
      return new ApiWorld(database, auth, api, given === undefined);
    } catch (error) {
      await auth.stop();
      if (!given) await database.drop();
      throw error;
    }
  }

  async end(): Promise<void> {
    await this.api.stop();
    await this.auth.stop();
    if (this.isDatabaseOwn) await this.database.drop();
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

  /** Follows next_cursor from the first page to the last; between pages something may happen. */
  async pages(
    person: Person,
    path: string,
    between: (page: number) => Promise<void> = () => Promise.resolve(),
  ): Promise<Row[][]> {
    const pages: Row[][] = [];
    for (let cursor: string | null = ""; cursor !== null;) {
      assert.ok(pages.length < 1000, "the pages never end");
      if (pages.length > 0) await between(pages.length);
      const { status, body, text } = await this.call(
        person,
        "GET",
        cursor ? `${path}${path.includes("?") ? "&" : "?"}cursor=${cursor}` : path,
      );
      assert.equal(status, 200, text);
      pages.push(body.data);
      cursor = body.next_cursor;
    }
    return pages;
  }

  /** All that a request could have written, as one text. */
  async written(): Promise<string> {
    const [row] = await this.sql<{ written: string }[]>`
      select concat_ws(
        E'\n',
        (select jsonb_agg(to_jsonb(one) order by one.id) from scheduler.invocations as one),
        (select jsonb_agg(to_jsonb(one) order by one.invocation_id, one.organisation_id) from scheduler.invocation_notes as one),
        (select jsonb_agg(to_jsonb(one) order by one.user_id, one.idempotency_key) from scheduler.idempotency_keys as one),
        (select jsonb_agg(to_jsonb(one) order by one.id) from scheduler.notifications as one),
        (select jsonb_agg(to_jsonb(one) order by one.id) from scheduler.scenario_cooldowns as one),
        (select count(*) from net.http_request_queue)
      ) as written
    `;
    return row?.written ?? "";
  }

  /** A run in the ledger; of NORTH, unless told otherwise. Returns its id. */
  async addRun(
    columns: {
      id?: string;
      status?: string;
      job_name?: string;
      requested_at?: string;
      organisation_ids?: string[] | null;
      dry_run?: boolean;
    } = {},
  ): Promise<string> {
    const {
      id = crypto.randomUUID(),
      status = "completed",
      job_name = "scenario-evaluation",
      requested_at = new Date().toISOString(),
      organisation_ids = [NORTH],
      dry_run = false,
    } = columns;
    await this.sql`
      insert into scheduler.invocations (
        id, job_name, status, triggered_by, requested_at, started_at, heartbeat_at, organisation_ids, dry_run
      )
      values (
        ${id}, ${job_name}, ${status}, 'test', ${requested_at}::text::timestamptz,
        ${requested_at}::text::timestamptz,
        ${status === "running" ? requested_at : null}::text::timestamptz,
        ${organisation_ids}, ${dry_run}
      )
    `;
    return id;
  }
}

/** Where faults are, as a test writes it: body #/user_ids/3. */
export function pointers({ body }: Answer): string[] {
  return (body?.errors ?? []).map((fault: { in: string; pointer: string }) =>
    `${fault.in} ${fault.pointer}`
  );
}

const PARTS = ["body", "query", "path", "header"];
const isText = (value: unknown) => typeof value === "string" && value !== "";

/** Fails unless an answer that refuses is a whole problem (RFC 9457), with the headers that go with it. */
export function assertIsProblem(answer: Answer, what: string): void {
  const { status, headers, body } = answer;
  const said = `${what}: ${status} ${answer.text}`;
  assert.equal(headers.get("content-type"), "application/problem+json", said);
  assert.match(body.type, /^urn:scenario-scheduler:problem:[a-z]+(-[a-z]+)*$/, said);
  assert.equal(body.status, status, said);
  assert.ok(isText(body.title) && isText(body.detail), said);
  assert.match(body.instance, /^urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, said);
  const { errors, ...rest } = body;
  assert.deepEqual(Object.keys(rest), ["type", "title", "status", "detail", "instance"], said);
  if (errors !== undefined) {
    assert.ok(Array.isArray(errors) && errors.length > 0, said);
    for (const { in: part, pointer, detail } of errors) {
      assert.ok(PARTS.includes(part) && /^#(\/.*)?$/.test(pointer) && isText(detail), said);
    }
  }
  if (status === 401) assert.equal(headers.get("www-authenticate"), "Bearer", said);
  if (status === 405) assert.ok(headers.get("allow"), said);
  if (status === 503) assert.match(headers.get("retry-after") ?? "", /^[1-9]\d*$/, said);
}

/** Fails unless the answer is a whole problem of that kind, which points there. */
export function assertProblem(
  answer: Answer,
  status: number,
  kind: string,
  where: string[] = [],
  what = "",
): void {
  assert.equal(answer.status, status, `${what}: ${answer.text}`);
  assertIsProblem(answer, what);
  assert.equal(answer.body.type, `urn:scenario-scheduler:problem:${kind}`, what);
  assert.deepEqual(pointers(answer), where, `${what}: ${answer.text}`);
}

export async function inApiWorld(
  test: (world: ApiWorld) => Promise<void>,
  options: ApiWorldOptions = {},
): Promise<void> {
  const world = await ApiWorld.make(options);
  try {
    await test(world);
  } finally {
    await world.end();
  }
}
