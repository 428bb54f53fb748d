// What can be done with whatever there is in the database, read from its catalog, as
// statements about one mentor.

import type { Sql } from "../../../scripts/server.ts";
import type { Attempt } from "./expected.ts";
import {
  ENDED,
  HER,
  HER_CHAPTER,
  HERE,
  isHers,
  LEASE,
  PUSH,
  ROUND,
  RUNNING,
  WORLD,
} from "./her.ts";
import { type Answer, keyExpression, keyOf, type Row, type Table } from "./world.ts";

/** A new row of hers, or one that would let the caller nearer to her. */
const INSERTED: Record<Table, (caller: string) => string> = {
  organisations: () => `(name) values ('New')`,
  chapters: () => `(organisation_id, name) values ('${HERE}', 'New')`,
  peer_mentors: () => `(id, organisation_id) values (gen_random_uuid(), '${HERE}')`,
  mentor_status_history: () =>
    `(user_id, to_status, changed_by) values ('${HER}', 'active', 'nobody')`,
  activities: () => `(user_id, activity_date) values ('${HER}', current_date)`,
  certifications: () => `(user_id) values ('${HER}')`,
  device_tokens: (caller) => `(token, user_id) values ('new token of ${caller}', '${HER}')`,
  notification_preferences: () => `values ('${HER}', 'expiry', false)`,
  staff: (caller) => `values ('${caller}', '${HERE}', 'admin')`,
  coordinator_assignments: (caller) => `values ('${caller}', '${HER}')`,
  chapter_coordinators: (caller) => `values ('${caller}', '${HER_CHAPTER}')`,
};

/** A change that reads nothing, so that no policy for select stands in its way. */
export const CHANGED: Record<Table, string> = {
  organisations: `name = 'Changed'`,
  chapters: `name = 'Changed'`,
  peer_mentors: `status = 'inactive'`,
  mentor_status_history: `reason = 'changed'`,
  activities: `kind = 'changed'`,
  certifications: `revoked_at = now()`,
  device_tokens: `disabled_at = now()`,
  notification_preferences: `push_enabled = false`,
  staff: `role = 'admin'`,
  coordinator_assignments: `coordinator_id = gen_random_uuid()`,
  chapter_coordinators: `coordinator_id = gen_random_uuid()`,
};

/** Calls that are about her. Each row says whether it is hers. */
const CALLS: Record<string, string> = {
  coordinator_mentor_status: `
    select user_id = '${HER}' as hers from public.coordinator_mentor_status()`,
  list_invocations: `select id = '${ENDED}' as hers from public.list_invocations()`,
  get_invocation: `
    select (entry).id = '${ENDED}' as hers from public.get_invocation(invocation_id => '${ENDED}')`,
  request_invocation: `
    select answer is not null as hers from public.request_invocation(job_name => 'dispatch-backlog')`,
  annotate_invocation: `
    select note = 'Looked at' as hers
    from public.annotate_invocation(invocation_id => '${ENDED}', note => 'Looked at')`,
  stop_invocation: `
    select stop_requested_at is not null as hers
    from public.stop_invocation(invocation_id => '${RUNNING}')`,
  delete_invocation: `
    select true as hers from public.delete_invocation(invocation_id => '${ENDED}')`,
  evaluate_mentors: `
    select evaluated = 1 as hers
    from public.evaluate_mentors(user_ids => array['${HER}']::uuid[], dry_run => false)`,
  run_scenario_evaluation: `
    select user_id = '${HER}' as hers
    from public.run_scenario_evaluation(user_ids => array['${HER}']::uuid[])`,
  start_invocation: `
    select started as hers from public.start_invocation(job_name => 'dispatch-backlog')`,
  claim_notifications: `
    select user_id = '${HER}' as hers
    from public.claim_notifications(batch_size => 10, lease => '2 minutes', invocation_id => '${ENDED}')`,
  record_push_results: `
    select recorded as hers
    from public.record_push_results(results => jsonb_build_array(jsonb_build_object(
      'notification_id', ${PUSH}, 'lease_token', '${LEASE}', 'token', 'token of ${HER}', 'outcome', 'sent'
    )))`,
  heartbeat_invocation: `
    select true as hers from public.heartbeat_invocation(invocation_id => '${RUNNING}')`,
  finish_invocation: `
    select status = 'completed' as hers
    from public.finish_invocation(invocation_id => '${RUNNING}', status => 'completed')`,
  invocation_summary: `
    select status = 'completed' as hers
    from public.invocation_summary(invocation_id => '${ENDED}')`,
  begin_portal_sync: `
    select started_at = '${ROUND}' as hers from public.begin_portal_sync(source => 'portal')`,
  apply_portal_page: `
    select applied = 1 as hers
    from public.apply_portal_page(source => 'portal', started_at => '${ROUND}', page => 0, certifications => jsonb_build_array(
      jsonb_build_object('external_id', 'C1', 'member_id', '${HER}', 'name', 'driving', 'modified_on', '2026-03-01T10:00:00Z')
    ))`,
  run_certification_expiry: `
    select user_id = '${HER}' as hers
    from public.run_certification_expiry(as_of => now() + interval '201 days')`,
  explain_scenario_evaluation: `
    select true as hers from public.explain_scenario_evaluation(user_id => '${HER}')`,
  scheduler_status: `select true as hers from public.scheduler_status()`,
};

export interface Trial extends Attempt {
  statement(caller: string): string;
  /** Whether what was seen or changed is hers. */
  isHers(answer: Answer): boolean;
}

const always = () => true;

/** A schema in which whoever tries may make tables, so that references can be tried. */
export const WORKSHOP = "workshop";

interface Relation {
  schema: Attempt["schema"];
  name: string;
  kind: "table" | "view" | "sequence";
  column: string;
  /** The primary key, as columns of a table that refers to it. */
  columns: string | null;
  key: string[] | null;
}

function trialsOfRelation({ schema, name, kind, column, columns, key }: Relation): Trial[] {
  const full = `${schema}.${name}`;
  const trial = (operation: string, statement: Trial["statement"], isHers: Trial["isHers"]) => ({
    ...{ schema, kind: kind === "sequence" ? kind : "table", name, operation } as const,
    statement,
    isHers,
  });
  if (kind === "sequence") {
    return [
      trial("select", () => `select last_value from ${full}`, always),
      trial("nextval", () => `select nextval('${full}')`, always),
      trial("setval", () => `select setval('${full}', 1000000)`, always),
    ];
  }

  const known = schema === "public" && name in WORLD ? name as Table : undefined;
  const rows: Row[] = known ? WORLD[known] : [];
  const hers = rows.filter((row) => known && isHers(known, row)).map((row) =>
    keyOf(row, key ?? [])
  );
  const which = `${keyExpression(key ?? [column])} in ('${hers.join("', '")}')`;
  const isChanged = ({ count }: Answer) => count > 0;
  return [
    trial(
      "select",
      () => `select ${keyExpression(key ?? [column])} as key from ${full}`,
      ({ rows }) => rows.some((row) => hers.includes(String(row["key"]))),
    ),
    trial(
      "insert",
      (caller) => `insert into ${full} ${known ? INSERTED[known](caller) : "default values"}`,
      isChanged,
    ),
    trial(
      "update",
      () => `update ${full} set ${known ? CHANGED[known] : `${column} = default`} where ${which}`,
      isChanged,
    ),
    trial("delete", () => `delete from ${full} where ${which}`, isChanged),
    trial(
      "trigger",
      () =>
        `create trigger tried before insert on ${full}
        for each statement execute function pg_catalog.suppress_redundant_updates_trigger()`,
      always,
    ),
    ...kind === "view" ? [] : [trial("truncate", () => `truncate ${full} cascade`, always)],
    ...columns === null || key === null ? [] : [trial(
      "references",
      () =>
        `create table ${WORKSHOP}.referring (
        ${columns}, foreign key (${key.join(", ")}) references ${full} (${key.join(", ")})
      )`,
      always,
    )],
  ];
}

/** Everything that can be tried in public and scheduler, whoever made it there. */
export async function readTrials(sql: Sql): Promise<Trial[]> {
  const relations = await sql<Relation[]>`
    select
      n.nspname as schema,
      c.relname as name,
      case c.relkind when 'S' then 'sequence' when 'v' then 'view' when 'm' then 'view' else 'table' end as kind,
      (select a.attname from pg_attribute as a where a.attrelid = c.oid and a.attnum = 1) as column,
      keyed.columns,
      keyed.key
    from pg_class as c
    join pg_namespace as n on n.oid = c.relnamespace
    cross join lateral (
      select
        string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' order by a.attname) as columns,
        array_agg(a.attname::text order by a.attname) as key
      from pg_index as i
      join pg_attribute as a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
      where i.indrelid = c.oid and i.indisprimary
    ) as keyed
    where n.nspname in ('public', 'scheduler') and c.relkind in ('r', 'p', 'f', 'v', 'm', 'S')
      and not exists (select from pg_depend as d where d.objid = c.oid and d.deptype = 'e')
    order by 1, 3, 2
  `;
  const functions = await sql<{ schema: Attempt["schema"]; name: string; arguments: number }[]>`
    select n.nspname as schema, p.proname as name, p.pronargs as arguments
    from pg_proc as p
    join pg_namespace as n on n.oid = p.pronamespace
    where n.nspname in ('public', 'scheduler')
      and not exists (select from pg_depend as d where d.objid = p.oid and d.deptype = 'e')
    order by 1, 2
  `;
  return [
    ...relations.flatMap(trialsOfRelation),
    ...functions.map((each): Trial => ({
      ...{ schema: each.schema, kind: "function", name: each.name, operation: "call" },
      statement: () =>
        CALLS[each.name] ??
          `select ${each.schema}.${each.name}(${Array(each.arguments).fill("null").join(", ")})`,
      isHers: ({ rows }) => rows.some((row) => row["hers"] === true),
    })),
  ];
}
