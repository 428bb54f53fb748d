// People and what the application knows of them, as rows: written to a database,
// and read by the model in reach.ts.

import type { Database } from "../../../edge/shared/database.types.ts";
import type { Sql } from "../../../scripts/server.ts";

type PublicTables = Database["public"]["Tables"];
type Columns<Table extends keyof PublicTables, Column extends keyof PublicTables[Table]["Row"]> =
  Pick<PublicTables[Table]["Row"], Column>[];

/** In an order in which the rows can be written. */
export interface World {
  organisations: Columns<"organisations", "id" | "name">;
  chapters: Columns<"chapters", "id" | "organisation_id" | "name">;
  peer_mentors: Columns<
    "peer_mentors",
    "id" | "organisation_id" | "chapter_id" | "status" | "joined_on"
  >;
  mentor_status_history: Columns<
    "mentor_status_history",
    "id" | "user_id" | "from_status" | "to_status" | "changed_by"
  >;
  activities: Columns<"activities", "id" | "user_id" | "activity_date">;
  certifications: Columns<"certifications", "id" | "user_id" | "expires_on">;
  device_tokens: Columns<"device_tokens", "id" | "user_id" | "token">;
  notification_preferences: Columns<
    "notification_preferences",
    "user_id" | "scenario_type" | "push_enabled"
  >;
  staff: Columns<"staff", "user_id" | "organisation_id" | "role">;
  coordinator_assignments: Columns<"coordinator_assignments", "coordinator_id" | "peer_mentor_id">;
  chapter_coordinators: Columns<"chapter_coordinators", "coordinator_id" | "chapter_id">;
}

export type Table = keyof World;
export type Mentor = World["peer_mentors"][number];
export type Row = Record<string, unknown>;

export function uuid(kind: string, number: number): string {
  return `${kind.repeat(8)}-0000-4000-8000-${String(number).padStart(12, "0")}`;
}

/** The date so many days from now. */
export function day(fromToday: number): string {
  return new Date(Date.now() + fromToday * 86_400_000).toISOString().slice(0, 10);
}

/** Everybody on the roster has a past, did something, is certified, has a device and a wish. */
export function belongings(
  mentors: Mentor[],
): Pick<
  World,
  | "mentor_status_history"
  | "activities"
  | "certifications"
  | "device_tokens"
  | "notification_preferences"
> {
  return {
    mentor_status_history: mentors.map((mentor, position) => ({
      id: position + 1,
      user_id: mentor.id,
      from_status: "inactive",
      to_status: mentor.status,
      changed_by: "an admin",
    })),
    activities: mentors.map((mentor, position) => ({
      id: position + 1,
      user_id: mentor.id,
      activity_date: day(-40),
    })),
    certifications: mentors.map((mentor, position) => ({
      id: uuid("c", position),
      user_id: mentor.id,
      expires_on: day(200),
    })),
    device_tokens: mentors.map((mentor, position) => ({
      id: position + 1,
      user_id: mentor.id,
      token: `token of ${mentor.id}`,
    })),
    notification_preferences: mentors.map((mentor) => ({
      user_id: mentor.id,
      scenario_type: "milestone",
      push_enabled: true,
    })),
  };
}

export async function write(sql: Sql, world: World): Promise<void> {
  for (const [table, rows] of Object.entries(world) as [Table, Row[]][]) {
    const columns = Object.keys(rows[0] ?? {}).join(", ");
    if (!columns) continue;
    await sql.unsafe(
      `insert into public.${table} (${columns}) overriding system value
       select ${columns} from jsonb_populate_recordset(null::public.${table}, $1::text::jsonb)`,
      [JSON.stringify(rows)],
    );
  }
}

/** The columns of each table's primary key: in public, all that tells one row from another. */
export async function keysOf(sql: Sql): Promise<Map<string, string[]>> {
  const keys = await sql<{ table: string; columns: string[] }[]>`
    select c.relname as table, array_agg(a.attname::text order by a.attname) as columns
    from pg_class as c
    join pg_index as i on i.indrelid = c.oid and i.indisprimary
    join pg_attribute as a on a.attrelid = c.oid and a.attnum = any (i.indkey)
    where c.relnamespace = 'public'::regnamespace
    group by c.relname
  `;
  return new Map(keys.map(({ table, columns }) => [table, columns]));
}

export const keyOf = (row: Row, columns: string[]) =>
  columns.map((column) => String(row[column])).join(" ");

/** The same in SQL. */
export const keyExpression = (columns: string[]) =>
  `concat_ws(' ', ${columns.map((column) => `${column}::text`).join(", ")})`;

/** What somebody who is logged in says of herself. */
export const claims = (person: string) => JSON.stringify({ sub: person, role: "authenticated" });

/** What came of a statement that was not refused. */
export interface Answer {
  rows: Row[];
  /** How many rows were read or changed. */
  count: number;
}

/** A database error, with all that it tells the client. */
export interface Refusal {
  error: Record<string, string>;
}

/** Runs a statement and undoes what it did. */
export async function attempt(session: Sql, statement: string): Promise<Answer | Refusal> {
  try {
    // Sent together: most of the time would go to and fro.
    const [, rows] = await Promise.all([
      session.unsafe("savepoint attempt"),
      session.unsafe<Row[]>(statement),
    ]);
    return { rows: [...rows], count: rows.count };
  } catch (error) {
    return { error: error as Record<string, string> };
  } finally {
    await session.unsafe("rollback to savepoint attempt");
  }
}

/** Lets somebody who is logged in do something, in a transaction that others began. */
export async function asPerson<Result>(
  session: Sql,
  person: string,
  work: () => Promise<Result>,
): Promise<Result> {
  await session`select set_config('role', 'authenticated', true), set_config('request.jwt.claims', ${
    claims(person)
  }, true)`;
  const result = await work();
  await session.unsafe("reset role");
  return result;
}
