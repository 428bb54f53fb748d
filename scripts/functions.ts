// Compares the functions that the migrations make with those of sql/functions,
// which are the source of truth, and writes the migration for what differs.

import type { FunctionFile } from "./database.ts";
import type { Sql } from "./server.ts";

interface Definition {
  name: string;
  signature: string;
  definition: string;
  /** Another one after each time that the function is written. */
  version: string;
}

/** Names of functions that track_activity generates in a database. */
const GENERATED = /^fold_source_\d+$/;

async function definitions(sql: Sql): Promise<Definition[]> {
  const rows = await sql<Definition[]>`
    select
      p.proname as name,
      p.oid::regprocedure::text as signature,
      p.ctid::text as version,
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
  /** Functions to be dropped first: without a file, or with another result or arguments than the file's. */
  dropped: string[];
  /** Files that do not hold just the function of their name. */
  misnamed: string[];
}

const CANNOT_BE_REPLACED = "42P13";

/** What sql/functions would change in a database that the migrations made. The database stays as it is. */
export async function findDrift(sql: Sql, files: FunctionFile[]): Promise<Drift> {
  const drift: Drift = { changed: [], dropped: [], misnamed: [] };
  try {
    await sql.begin(async (tx) => {
      const inside = tx as unknown as Sql;
      const before = await definitions(inside);
      const known = new Map(before.map((d) => [d.signature, d.definition]));
      await tx`set local check_function_bodies = off`;

      for (const file of files) {
        const created = [...file.text.matchAll(/^create or replace function (\w+)\.(\w+)\(/gm)];
        if (created.length !== 1 || created[0]?.[2] !== file.name) drift.misnamed.push(file.name);
        try {
          await tx.savepoint((attempt) => attempt.unsafe(file.text));
        } catch (error) {
          if ((error as { code?: string }).code !== CANNOT_BE_REPLACED) throw error;
          for (const { signature } of before.filter((d) => d.name === file.name)) {
            await tx.unsafe(`drop function ${signature}`);
            drift.dropped.push(signature);
          }
          await tx.unsafe(file.text);
        }
      }

      const after = await definitions(inside);
      const untouched = new Set(before.map((d) => `${d.signature} ${d.version}`));
      const written = (d: Definition) => !untouched.has(`${d.signature} ${d.version}`);
      const differs = new Set(
        after.filter((d) => written(d) && known.get(d.signature) !== d.definition).map((d) =>
          d.name
        ),
      );
      drift.changed = files.filter((file) => differs.has(file.name));
      drift.dropped.push(...after.filter((d) => !written(d)).map((d) => d.signature));
      throw new Rollback();
    });
  } catch (error) {
    if (!(error instanceof Rollback)) throw error;
  }
  return drift;
}

export function renderMigration(changed: FunctionFile[], dropped: string[]): string {
  return [
    "-- Written by `make migration` from sql/functions. Change the functions there.",
    "",
    "set lock_timeout = '5s';",
    "set check_function_bodies = off;",
    "",
    ...dropped.map((signature) => `drop function if exists ${signature};\n`),
    ...changed.map((file) => file.text.trimEnd() + "\n"),
    "reset check_function_bodies;",
    "",
    "select scheduler.refresh_sources();",
    "select scheduler.apply_privileges();",
    "",
  ].join("\n");
}
