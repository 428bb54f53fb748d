// What sqlsmith is shown of the catalog: what a caller may use, with this project's part
// brought to the front, and nothing that would stop it from trying.

import type { Sql } from "../../../scripts/server.ts";
import type { Ids } from "./canaries.ts";

export const LENS = "lens";

/** So that half of what is tried is this project's. */
const TIMES = 19;

export async function makeLens(admin: Sql, known: Ids[]): Promise<void> {
  await admin.unsafe(`create schema ${LENS}; grant usage on schema ${LENS} to public`);

  // sqlsmith calls no function that returns a set: these come as one value, and as views.
  const sets = await admin<
    { oid: number; name: string; types: string; call: string | null; needsNothing: boolean }[]
  >`
    select p.oid::integer as oid, p.proname as name, pg_get_function_identity_arguments(p.oid) as types,
      (select string_agg(format('%I => %I.%I', argument, p.proname, argument), ', ')
       from unnest(p.proargnames[1:p.pronargs]) as argument) as call,
      p.pronargs = p.pronargdefaults as "needsNothing"
    from pg_proc as p
    where p.pronamespace = 'public'::regnamespace and p.proretset
  `;
  for (const { oid, name, types, call, needsNothing } of sets) {
    await admin.unsafe(`
      create function ${LENS}.${name}(${types}) returns jsonb language sql volatile
      as $$ select jsonb_agg(to_jsonb(found)) from public.${name}(${call ?? ""}) as found $$;
      revoke execute on function ${LENS}.${name}(${types}) from public;
    `);
    if (needsNothing) {
      await admin.unsafe(`create view ${LENS}.${name} as select * from public.${name}()`);
    }
    const may = await admin<{ role: string }[]>`
      select rolname as role from pg_roles
      where rolname in ('anon', 'authenticated', 'scheduler_api', 'scheduler_dispatcher')
        and has_function_privilege(rolname, ${oid}::oid, 'execute')
    `;
    for (const { role } of may) {
      await admin.unsafe(`
        grant execute on function ${LENS}.${name}(${types}) to ${role};
        ${needsNothing ? `grant select on ${LENS}.${name} to ${role}` : ""}
      `);
    }
  }

  // Arguments that mean something, and a table to write into, without which it would look for one.
  const ids = known.flatMap((
    each,
  ) => [each.mentor, each.organisation, each.chapter, each.run, each.coordinator]);
  await admin.unsafe(`
    create view ${LENS}.words as
    select distinct *
    from (values ${
    ids.map((id) => `('${id}'::uuid, array['${id}', '${ids[0]}']::uuid[])`).join(", ")
  }) as id (id, ids)
    cross join (values
      ('scenario-evaluation', array['milestone', 'inactivity'], 1, 1::bigint, interval '1 minute', '{}'::jsonb),
      ('dispatch-backlog', array['expiry'], 500, 2, interval '1 hour', '[]'),
      ('completed', array[]::text[], -1, 0, interval '-1 day', 'null')
    ) as word (word, words, number, long_number, span, note)
    cross join (values
      (now(), current_date, true), (now() - interval '40 days', date '2026-02-28', false)
    ) as day (at, day, flag);
    grant select on ${LENS}.words to public;

    create table ${LENS}.slate (id bigint primary key, word text, at timestamptz, note jsonb);
    grant select, insert, update, delete on ${LENS}.slate to public;

    create table ${LENS}.tables (table_name text, table_schema text, is_insertable_into text, table_type text);
    create table ${LENS}.functions (
      oid oid primary key, proname name, pronamespace oid, prorettype oid, proargtypes oidvector, proretset boolean, prokind "char"
    );
    grant select on ${LENS}.tables, ${LENS}.functions to public;

    create function ${LENS}.is_known(type oid) returns boolean language sql stable as $$
      select typtype <> 'p' or typname in ('void', 'any', 'anyarray', 'anyelement', 'anynonarray', 'record')
      from pg_catalog.pg_type where pg_type.oid = type
    $$;
    create materialized view ${LENS}.operators as
    select * from pg_catalog.pg_operator
    where ${LENS}.is_known(oprleft) and ${LENS}.is_known(oprright) and ${LENS}.is_known(oprresult);
    grant select on ${LENS}.operators to public;
    revoke execute on function ${LENS}.is_known(oid) from public;
  `);
}

/** Turns the lens to what a role may use: with the catalog's own tables or without, and some of its functions. */
export async function openLens(
  admin: Sql,
  { role, catalog, seed }: { role: string; catalog: boolean; seed: number },
): Promise<void> {
  await admin.begin(async (sql) => {
    await sql.unsafe(`truncate ${LENS}.tables, ${LENS}.functions`);
    await sql`
      insert into ${sql(`${LENS}.tables`)}
      select c.relname, n.nspname, case when c.relkind = 'r' then 'YES' else 'NO' end,
        case when c.relkind = 'r' then 'BASE TABLE' else 'VIEW' end
      from pg_catalog.pg_class as c
      join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
      cross join generate_series(1, case when ${catalog} and n.nspname = 'public' then ${TIMES}::integer else 1 end)
      where c.relkind in ('r', 'v') and has_schema_privilege(${role}::name, n.oid, 'usage')
        and has_any_column_privilege(${role}::name, c.oid, 'select')
        and (n.nspname <> ${LENS} or c.relname not in ('tables', 'functions'))
        and (${catalog} or n.nspname not in ('pg_catalog', 'information_schema'))
    `;
    await sql`
      insert into ${sql(`${LENS}.functions`)}
      select (p.oid::bigint + copy * 100000000)::oid, p.proname, p.pronamespace, p.prorettype, p.proargtypes, p.proretset, p.prokind
      from pg_catalog.pg_proc as p
      join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
      cross join lateral (
        select n.nspname in (${LENS}, 'public', 'auth') as ours
      ) as whose
      cross join generate_series(0, case when ours then ${TIMES}::integer else 0 end) as copy
      where has_schema_privilege(${role}::name, p.pronamespace, 'usage')
        and has_function_privilege(${role}::name, p.oid, 'execute')
        and n.nspname <> 'tests'
        and not p.proretset
        and ${sql(LENS)}.is_known(p.prorettype)
        and not exists (select from unnest(p.proargtypes) as type where not ${
      sql(LENS)
    }.is_known(type))
        -- They would end or hold back sessions that are not sqlsmith's.
        and p.proname !~ '^(pg_terminate_backend|pg_cancel_backend|pg_sleep.*|pg_advisory.*)$'
        and (ours or abs(hashint8(p.oid::bigint + ${seed})) % 8 = 0)
    `;
  });
}
