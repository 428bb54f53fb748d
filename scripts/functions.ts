// Compares the functions that the migrations make with those of sql/functions,
// which are the source of truth, and writes the migration for what differs.

import { type FunctionFile, functionFiles } from "./database.ts";
import type { Sql } from "./server.ts";

interface Definition {
  name: string;
  signature: string;
  definition: string;
}

/** Names of functions that track_activity generates in a database. */
const GENERATED = /^fold_source_\d+$/;

async function definitions(sql: Sql): Promise<Definition[]> {
  const rows = await sql<Definition[]>`
    select
      p.proname as name,
      p.oid::regprocedure::text as signature,
      pg_get_functiondef(p.oid) || E'\n-- ' || coalesce(obj_description(p.oid, 'pg_proc'), 'no comment') as definition
    from pg_proc as p
    where p.pronamespace = 'scheduler'::regnamespace
      or (p.pronamespace = 'public'::regnamespace and not exists (
        select from pg_depend as d where d.objid = p.oid and d.deptype = 'e'
      ))
    order by 2
  `;
  return rows.filter((row) => !GENERATED.test(row.name));
}

class Rollback extends Error {}

export interface Drift {
  changed: FunctionFile[];
  /** Functions in the database that have no file. */
  orphaned: string[];
  /** Files that do not hold just the function of their name. */
  misnamed: string[];
}

/** What sql/functions would change in a database that the migrations made. The database stays as it is. */
export async function findDrift(sql: Sql): Promise<Drift> {
  const files = await functionFiles();
  const before = new Map((await definitions(sql)).map((d) => [d.signature, d.definition]));
  const changed: FunctionFile[] = [];
  const misnamed: string[] = [];
  let after: Definition[] = [];

  try {
    await sql.begin(async (tx) => {
      const inside = tx as unknown as Sql;
      await tx`set local check_function_bodies = off`;
      let known = new Map(before);
      for (const file of files) {
        const created = [...file.text.matchAll(/^create or replace function (\w+)\.(\w+)\(/gm)];
        if (created.length !== 1 || created[0]?.[2] !== file.name) misnamed.push(file.name);
        await tx.unsafe(file.text);
        const now = new Map((await definitions(inside)).map((d) => [d.signature, d.definition]));
        const differs = [...now].some(([signature, text]) => known.get(signature) !== text);
        if (differs) changed.push(file);
        known = now;
      }
      after = await definitions(inside);
      throw new Rollback();
    });
  } catch (error) {
    if (!(error instanceof Rollback)) throw error;
  }

  const names = new Set(files.map((file) => file.name));
  return {
    changed,
    misnamed,
    orphaned: after.filter((d) => !names.has(d.name)).map((d) => d.signature),
  };
}

export function renderMigration(changed: FunctionFile[], orphaned: string[]): string {
  return [
    "-- Written by `make migration` from sql/functions. Change the functions there.",
    "",
    "set lock_timeout = '5s';",
    "set check_function_bodies = off;",
    "",
    ...orphaned.map((signature) => `drop function if exists ${signature};\n`),
    ...changed.map((file) => file.text.trimEnd() + "\n"),
    "reset check_function_bodies;",
    "",
    "select scheduler.apply_privileges();",
    "",
  ].join("\n");
}
