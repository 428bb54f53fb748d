// The install contract: sql/migrations in order, as the role postgres, in a new
// or an old project, once or twice, next to tables of the project's own.

import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import {
  applyMigrations,
  createDatabase,
  migrationFiles,
  ROOT,
} from "../../../scripts/database.ts";
import { connect, type Sql } from "../../../scripts/server.ts";
import { server } from "../../../scripts/testing.ts";

interface Fresh {
  url: string;
  /** As postgres, who installs. */
  sql: Sql;
}

let made = 0;

async function inFreshDatabase(
  options: { openDefaults?: boolean; bare?: boolean },
  test: (database: Fresh) => Promise<void>,
): Promise<void> {
  const name = `install_${Deno.pid}_${++made}`;
  const url = await createDatabase(server, name, options);
  const sql = connect(url);
  try {
    await test({ url, sql });
  } finally {
    await sql.end({ timeout: 2 });
    const admin = connect(server.url("template1", "supabase_admin"));
    await admin.unsafe(`drop database ${name} with (force)`);
    await admin.end();
  }
}

/** Applies the files as they are, or with the one whose name ends so replaced. */
async function applyByHand(sql: Sql, replaced: Record<string, string> = {}): Promise<void> {
  const files = await migrationFiles();
  for (const ending of Object.keys(replaced)) {
    strictEqual(files.filter((file) => file.name.endsWith(ending)).length, 1, ending);
  }
  for (const { name, text } of files) {
    const ending = Object.keys(replaced).find((end) => name.endsWith(end));
    try {
      await sql.unsafe(ending ? replaced[ending] as string : text);
    } catch (error) {
      throw new Error(`${name} could not be applied`, { cause: error });
    }
  }
}

const PROJECT_RELATIONS = `
  select c.oid::regclass::text as name, c.*
  from pg_class as c
  where c.relnamespace in ('public'::regnamespace, 'scheduler'::regnamespace)
    and c.relkind in ('r', 'p', 'v', 'm', 'S')
    and not exists (select from pg_depend as d where d.objid = c.oid and d.deptype = 'e')
`;

const PROJECT_FUNCTIONS = `
  select p.oid::regprocedure::text as name, p.*
  from pg_proc as p
  where p.pronamespace in ('public'::regnamespace, 'scheduler'::regnamespace)
    and not exists (select from pg_depend as d where d.objid = p.oid and d.deptype = 'e')
`;

const GRANTS = (acl: string, kind: string) => `
  coalesce((
    select jsonb_agg(distinct format('%s: %s%s',
      case when g.grantee = 0 then 'public' else g.grantee::regrole::text end, g.privilege_type,
      case when g.is_grantable then ' with grant option' else '' end
    )) from aclexplode(coalesce(${acl}, acldefault('${kind}', owner))) as g
  ), '[]')
`;

/** What may be done by whom with what this project made. */
const PRIVILEGES = `
  select 'relation ' || name as object,
    case relkind when 'S' then ${GRANTS("relacl", "s")} else ${GRANTS("relacl", "r")} end as held
  from (select relation.*, relowner as owner from (${PROJECT_RELATIONS}) as relation) as relation
  union all
  select 'function ' || name, ${GRANTS("proacl", "f")}
  from (select function.*, proowner as owner from (${PROJECT_FUNCTIONS}) as function) as function
  union all
  select 'schema scheduler', ${GRANTS("nspacl", "n")}
  from (select n.*, nspowner as owner from pg_namespace as n where nspname = 'scheduler') as schema
  union all
  select 'type ' || t.oid::regtype::text, ${GRANTS("typacl", "T")}
  from (select t.*, typowner as owner from pg_type as t where typnamespace = 'scheduler'::regnamespace and typtype = 'c') as t
  order by 1
`;

const DEFINITIONS = `
  select 'relation ' || name as object, jsonb_build_array(
    relkind, relrowsecurity, relforcerowsecurity, reloptions, relowner::regrole, obj_description(oid, 'pg_class'),
    case when relkind in ('v', 'm') then pg_get_viewdef(oid) end
  ) as definition
  from (${PROJECT_RELATIONS}) as relation
  union all
  select format('column %s.%s', relation.name, a.attname), jsonb_build_array(
    format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated,
    pg_get_expr(d.adbin, d.adrelid), col_description(a.attrelid, a.attnum)
  )
  from (${PROJECT_RELATIONS}) as relation
  join pg_attribute as a on a.attrelid = relation.oid and a.attnum > 0 and not a.attisdropped
  left join pg_attrdef as d on d.adrelid = a.attrelid and d.adnum = a.attnum
  union all
  select format('constraint %s on %s', c.conname, relation.name), jsonb_build_array(pg_get_constraintdef(c.oid), c.convalidated)
  from (${PROJECT_RELATIONS}) as relation join pg_constraint as c on c.conrelid = relation.oid
  union all
  select 'index ' || i.indexrelid::regclass, jsonb_build_array(pg_get_indexdef(i.indexrelid), i.indisvalid)
  from (${PROJECT_RELATIONS}) as relation join pg_index as i on i.indrelid = relation.oid
  union all
  select format('policy %s on %s', p.policyname, p.tablename), to_jsonb(p)
  from pg_policies as p where p.schemaname in ('public', 'scheduler')
  union all
  select format('trigger %s on %s', t.tgname, relation.name), jsonb_build_array(pg_get_triggerdef(t.oid), t.tgenabled)
  from (${PROJECT_RELATIONS}) as relation join pg_trigger as t on t.tgrelid = relation.oid and not t.tgisinternal
  union all
  select 'function ' || name, jsonb_build_array(pg_get_functiondef(oid), proowner::regrole, obj_description(oid, 'pg_proc'))
  from (${PROJECT_FUNCTIONS}) as function
  union all
  select 'type ' || t.oid::regtype::text, jsonb_build_array(obj_description(t.oid, 'pg_type'), typowner::regrole)
  from pg_type as t where typnamespace = 'scheduler'::regnamespace and typtype = 'c'
  union all
  select 'schema ' || nspname, jsonb_build_array(obj_description(oid, 'pg_namespace'), nspowner::regrole)
  from pg_namespace where nspname in ('public', 'scheduler')
`;

type Snapshot = Record<string, unknown>;

async function snapshot(sql: Sql, query: string): Promise<Snapshot> {
  const rows = await sql.unsafe(query);
  return Object.fromEntries(
    rows.map((row) => {
      const [object, value] = Object.values(row);
      return [String(object), value];
    }).sort(([a], [b]) => String(a) < String(b) ? -1 : 1),
  );
}

/** The rows of all tables of the schema scheduler. */
async function contents(sql: Sql): Promise<Snapshot> {
  const tables = await sql<{ name: string }[]>`
    select oid::regclass::text as name from pg_class
    where relnamespace = 'scheduler'::regnamespace and relkind = 'r' order by 1
  `;
  const all: Snapshot = {};
  for (const { name } of tables) {
    all[name] =
      (await sql.unsafe(`select to_jsonb(t) as row from ${name} as t order by to_jsonb(t)::text`))
        .map(({ row }) => row);
  }
  return all;
}

async function everything(sql: Sql): Promise<Snapshot> {
  return {
    definitions: await snapshot(sql, DEFINITIONS),
    privileges: await snapshot(sql, PRIVILEGES),
    contents: await contents(sql),
  };
}

for (const openDefaults of [false, true]) {
  const project = openDefaults
    ? "an old project, whose defaults grant everything"
    : "a new project, whose defaults grant nothing";

  Deno.test(`in ${project}, the migrations applied a second time change nothing, and an operator's settings stay`, async () => {
    await inFreshDatabase({ openDefaults }, async ({ sql }) => {
      const [role] = await sql`
        select current_user as name, rolsuper as superuser from pg_roles where rolname = current_user
      `;
      deepStrictEqual({ ...role }, { name: "postgres", superuser: false });

      await applyByHand(sql);
      await sql.unsafe(`
        insert into public.organisations (id, name) values ('aaaaaaaa-0000-4000-8000-000000000000', 'Organisation');
        insert into public.peer_mentors (id, organisation_id, joined_on)
        select gen_random_uuid(), 'aaaaaaaa-0000-4000-8000-000000000000', '2026-01-01' from generate_series(1, 5);
        insert into public.device_tokens (token, user_id) select id, id from public.peer_mentors;
        insert into public.activities (user_id, activity_date) select id, '2026-01-02' from public.peer_mentors limit 3;
        select public.run_scenario_evaluation(as_of => '2026-03-01 12:00+00');

        update scheduler.scenario_config set priority = 5, cooldown_days = 45, params = '{"threshold_days": 45}'
        where scenario_type = 'inactivity';
        update scheduler.scenario_config set enabled = false where scenario_type = 'expiry';
        insert into scheduler.scenario_config (organisation_id, scenario_type, params)
        values ('aaaaaaaa-0000-4000-8000-000000000000', 'milestone', '{"milestones": [7, 77]}');
        update scheduler.scenario_templates set title = 'Our own words' where scenario_type = 'milestone' and locale = 'nb';
        delete from scheduler.scenario_templates where scenario_type = 'milestone' and locale = 'en';
        insert into scheduler.scenario_templates (scenario_type, locale, title, body) values ('milestone', 'en', 'Thanks', 'Thanks');
        update scheduler.organisation_settings set daily_cap = 2, quiet_end = '09:30', on_ambiguous = 'quarantine';
        update scheduler.scenarios set default_priority = 99 where scenario_type = 'milestone';
      `);
      const before = await everything(sql);
      await applyByHand(sql);
      const after = await everything(sql);
      deepStrictEqual(after.definitions, before.definitions);
      deepStrictEqual(after.privileges, before.privileges);
      deepStrictEqual(after.contents, before.contents);
    });
  });

  Deno.test(`in ${project}, the Supabase CLI pushes the migrations, and has nothing to push after that`, async () => {
    await inFreshDatabase({ openDefaults }, async ({ url, sql }) => {
      await applyMigrations(url);
      const before = await everything(sql);
      const pushed =
        await sql`select version from supabase_migrations.schema_migrations order by version`;
      deepStrictEqual(
        pushed.map(({ version }) => version),
        (await migrationFiles()).map(({ name }) => name.split("_")[0]),
      );

      match(await applyMigrations(url), /up to date/i);
      deepStrictEqual(await everything(sql), before);
    });
  });
}

Deno.test("in a new project and in an old one, the same privileges are held on what the project made", async () => {
  const privileges: Snapshot[] = [];
  for (const openDefaults of [false, true]) {
    await inFreshDatabase({ openDefaults }, async ({ sql }) => {
      await applyByHand(sql);
      privileges.push(await snapshot(sql, PRIVILEGES));
    });
  }
  deepStrictEqual(privileges[1], privileges[0]);
});

/** Tables of a project's own, with the name of one of the reference schema but other columns and privileges. */
Deno.test("without pg_cron, pg_net and Vault everything else works, the status says what is missing, and they can come later", async () => {
  await inFreshDatabase({ bare: true }, async ({ url, sql }) => {
    await applyByHand(sql);
    await sql`select from public.run_scenario_evaluation()`;
    const status = async () => {
      const rows = await sql<{ component: string; status: string; detail: string }[]>`
        select component, status, detail from public.scheduler_status()
      `;
      return new Map(rows.map((row) => [row.component, row]));
    };
    const missing = await status();
    for (const component of ["pg_cron", "pg_net", "vault"]) {
      strictEqual(missing.get(component)?.status, "fail", component);
      match(missing.get(component)?.detail ?? "", /create extension/, component);
    }
    match(missing.get("job scenario-evaluation")?.detail ?? "", /apply_schedules/);

    await sql`select scheduler.tick('scenario-scheduler-daily')`;
    const [run] = await sql`
      select status, error_message from scheduler.invocations where triggered_by = 'pg_cron'
    `;
    strictEqual(run?.["status"], "failed");
    match(run?.["error_message"], /url .* not set/);
    await sql`select from scheduler.reconcile_requests()`;
    await sql`select scheduler.run_job('housekeeping')`;
    await sql`select scheduler.pause('housekeeping')`;
    const secret = "ab".repeat(32);
    await rejects(
      sql`select scheduler.configure_edge('https://project.example.org/f', ${secret})`,
      /no Vault/,
    );

    const admin = connect(server.url(new URL(url).pathname.slice(1), "supabase_admin"));
    for (const standIn of ["net", "vault", "cron"]) {
      await admin.unsafe(await Deno.readTextFile(`${ROOT}sql/local/${standIn}.sql`));
    }
    await admin.end();
    await sql`select from scheduler.apply_schedules()`;
    await sql`select scheduler.configure_edge('https://project.example.org/f', ${secret})`;
    const there = await status();
    for (const component of ["pg_cron", "pg_net", "vault", "job dispatch-backlog"]) {
      strictEqual(there.get(component)?.status, "ok", component);
    }
    strictEqual(there.get("job housekeeping")?.status, "warn", "a pause lasts");
  });
});

Deno.test("an install from before there was a ledger of ticks is brought up to date, whatever its runs were", async () => {
  await inFreshDatabase({}, async ({ sql }) => {
    const files = await migrationFiles();
    for (const { name, text } of files) if (name < "20261121") await sql.unsafe(text);
    await sql`
      insert into scheduler.invocations (job_name, status, scheduled_for, started_at)
      select 'scenario-evaluation', status, '2026-11-20 06:00+00', now() - place * interval '1 minute'
      from unnest(array['running', 'completed', 'running']) with ordinality as before (status, place)
    `;
    await sql`update scheduler.organisation_settings set paused = true where organisation_id is null`;
    for (const { name, text } of files) if (name > "20261121") await sql.unsafe(text);
    const runs = await sql<{ status: string; kept: boolean; same: boolean }[]>`
      select status, scheduled_for is not null as kept, requested_at = started_at as same
      from scheduler.invocations order by started_at
    `;
    deepStrictEqual(runs.map((run) => ({ ...run })), [
      { status: "abandoned", kept: true, same: true },
      { status: "completed", kept: false, same: true },
      { status: "abandoned", kept: false, same: true },
    ]);
    const paused = await sql<{ job_name: string | null; organisation_id: string | null }[]>`
      select job_name, organisation_id from scheduler.pauses where resumed_at is null
    `;
    deepStrictEqual(paused.map((pause) => ({ ...pause })), [
      { job_name: null, organisation_id: null },
    ]);
  });
});

const OWN_TABLES: Record<string, string> = {
  organisations: `
    create table public.organisations (id uuid primary key, legal_name varchar(80), timezone text, locale text);
    alter table public.organisations enable row level security;
    create policy "our own policy" on public.organisations for select to anon using (legal_name is not null);
    grant select on public.organisations to anon;
  `,
  chapters: `
    create table public.chapters (id uuid primary key, organisation_id uuid, label text);
    grant all on public.chapters to anon, authenticated;
  `,
  peer_mentors: `
    create table public.peer_mentors (
      id uuid primary key, organisation_id uuid, chapter_id uuid, status text, joined_on date, timezone text, locale text,
      nickname text
    );
    create index our_own_index on public.peer_mentors (nickname);
    comment on table public.peer_mentors is 'Ours.';
  `,
  activities: `
    create table public.activities (user_id uuid, activity_date date, note text);
    alter table public.activities enable row level security, force row level security;
  `,
  certifications:
    `create table public.certifications (user_id uuid, name text, expires_on date, revoked_at date, level integer)`,
  device_tokens:
    `create table public.device_tokens (user_id uuid, token text, platform text, provider text, disabled_at date)`,
  notification_preferences:
    `create table public.notification_preferences (user_id uuid, scenario_type text, push_enabled boolean, since date)`,
  staff: `create table public.staff (user_id uuid, organisation_id uuid, role text, badge integer)`,
  coordinator_assignments:
    `create table public.coordinator_assignments (coordinator_id uuid, peer_mentor_id uuid, since date)`,
  chapter_coordinators:
    `create table public.chapter_coordinators (coordinator_id uuid, chapter_id uuid, since date)`,
};

/** Of a table, but the triggers that tracking puts on it, and the keys of others that point to it. */
async function ownTable(sql: Sql, name: string): Promise<Snapshot> {
  const mine = ([object]: [string, unknown]) =>
    (new RegExp(`(^relation | on |^column )${name}(\\.|$)`).test(object) ||
      object.startsWith(`index ${name}`)) &&
    !/trigger scenario_scheduler_/.test(object);
  return {
    definitions: Object.fromEntries(Object.entries(await snapshot(sql, DEFINITIONS)).filter(mine)),
    privileges: Object.fromEntries(Object.entries(await snapshot(sql, PRIVILEGES)).filter(mine)),
  };
}

for (const [name, statements] of Object.entries(OWN_TABLES)) {
  Deno.test(`a table ${name} that a project has already is left as it is`, async () => {
    await inFreshDatabase({}, async ({ sql }) => {
      await sql.unsafe("create schema scheduler");
      await sql.unsafe(statements);
      const before = await ownTable(sql, name);
      ok(Object.keys(before.definitions as Snapshot).length > 3);
      await applyByHand(sql);
      deepStrictEqual(await ownTable(sql, name), before);
    });
  });
}

// Each with the migration that reads it, the column that it misses, and the view to be made of it.
const OTHER_SHAPES = {
  "create table public.staff (user_id uuid, organisation_id uuid, works_as text)": [
    "20261121150000_people.sql",
    "staff.role",
    "scheduler.staff",
  ],
  "create table public.certifications (user_id uuid, expires_on date, revoked_at date)": [
    "20261121170000_certifications.sql",
    "certification.name",
    "scheduler.held_certification",
  ],
} as const;

Deno.test("a table of another shape that is not mapped is refused with what to do", async () => {
  for (const [statement, [migration, column, view]] of Object.entries(OTHER_SHAPES)) {
    await inFreshDatabase({}, async ({ sql }) => {
      await sql.unsafe(statement);
      await rejects(applyByHand(sql), ({ message, cause }) => {
        strictEqual(message, `${migration} could not be applied`);
        strictEqual(cause.message, `column ${column} does not exist`);
        match(cause.hint, new RegExp(`${view}.*mapping\\.sql`));
        return true;
      });
    });
  }
});

const OWN_MAPPING = `
create or replace view scheduler.organisation as
select region."ID" as organisation_id, region."Tidssone" as timezone, null::text as locale
from app."Region" as region;

create or replace view scheduler.certification as
select kurs.person as user_id, kurs."gyldig til" as expires_on
from app.kurs as kurs
where kurs."gyldig til" is not null and not kurs.trukket;

create or replace view scheduler.device as
select enhet.eier as user_id, enhet.push_id as token, 'ios' as platform, null::text as provider
from app.enhet as enhet;

select scheduler.track_roster(
  source => 'app."Like""person"',
  user_column => 'Bruker ID',
  organisation_column => 'region',
  joined_on_column => 'Startet',
  active_when => $$"Sluttet" is null$$
);

select scheduler.track_activity(source => 'app."Samtale"', user_column => 'Hvem "egentlig"', date_column => 'Når');
select scheduler.track_activity(
  source => 'app.besøk', user_column => 'select', date_column => 'from', counts => $$"Status" <> 'avlyst'$$
);

select scheduler.apply_privileges();
`;

Deno.test("a project with tables of its own maps them in the one mapping file, and is evaluated from them", async () => {
  await inFreshDatabase({ openDefaults: true }, async ({ sql }) => {
    await sql.unsafe(`
      create schema app;
      create table app."Region" ("ID" uuid primary key, "Tidssone" text);
      create table app."Like""person" ("Bruker ID" uuid unique, region uuid, "Startet" timestamp, "Sluttet" date);
      create table app."Samtale" ("Hvem ""egentlig""" uuid, "Når" timestamp);
      create table app.besøk ("select" uuid, "from" date, "Status" text);
      create table app.kurs (person uuid, "gyldig til" date, trukket boolean);
      create table app.enhet (eier uuid, push_id text);

      insert into app."Region" values ('aaaaaaaa-0000-4000-8000-000000000000', 'Pacific/Auckland');
      insert into app."Like""person" select md5('silent')::uuid, 'aaaaaaaa-0000-4000-8000-000000000000', '2026-01-01 23:30', null;
    `);
    await applyByHand(sql, { "_mapping.sql": OWN_MAPPING });
    await applyByHand(sql, { "_mapping.sql": OWN_MAPPING });
    await sql.unsafe(`
      insert into app."Like""person"
      select md5(who)::uuid, 'aaaaaaaa-0000-4000-8000-000000000000', '2026-03-01', case who when 'gone' then date '2026-03-02' end
      from unnest(array['tenth', 'certified', 'ninth', 'gone', 'quiet']) as who;
      insert into app.enhet select "Bruker ID", 'token ' || "Bruker ID" from app."Like""person" where "Bruker ID" <> md5('quiet')::uuid;

      -- Ten together, from both tables; with what was called off, the other has nine.
      insert into app."Samtale" select md5(who)::uuid, timestamp '2026-03-02 10:00' + n * interval '1 hour'
      from unnest(array['tenth', 'ninth', 'quiet']) as who cross join generate_series(1, 6) as n;
      insert into app.besøk select md5('tenth')::uuid, '2026-03-05', 'holdt' from generate_series(1, 4);
      insert into app.besøk select md5('ninth')::uuid, '2026-03-05', case n when 1 then 'avlyst' when 2 then null else 'holdt' end
      from generate_series(1, 5) as n;
      insert into app.kurs values
        (md5('certified')::uuid, '2026-03-20', false), (md5('ninth')::uuid, '2026-03-20', true), (md5('gone')::uuid, '2026-03-20', false);
    `);
    deepStrictEqual([...await sql`select * from scheduler.verify_mentor_state()`], []);

    const candidates = await sql.begin(async (tx) => {
      await tx`set local role service_role`;
      return await tx`
        select user_id, occurrence_key, cooldown_window_start::text as start, evaluation_date::text as day
        from public.run_scenario_evaluation(as_of => '2026-03-10 12:00+00')
        order by occurrence_key
      `;
    });
    const id = async (who: string) => (await sql`select md5(${who})::uuid as id`)[0]?.id;
    deepStrictEqual(candidates.map((candidate) => ({ ...candidate })), [
      {
        user_id: await id("certified"),
        occurrence_key: "expiry:2026-03-20:30",
        start: "2026-02-18",
        day: "2026-03-11",
      },
      {
        user_id: await id("silent"),
        occurrence_key: "inactivity:2026-01-01:1",
        start: "2026-01-31",
        day: "2026-03-11",
      },
      {
        user_id: await id("ninth"),
        occurrence_key: "milestone:1",
        start: "2026-03-02",
        day: "2026-03-11",
      },
      {
        user_id: await id("tenth"),
        occurrence_key: "milestone:10",
        start: "2026-03-05",
        day: "2026-03-11",
      },
    ]);
  });
});

// As docs/certifications.md says, in a migration after this project's own.
const OWN_CERTIFICATIONS = `
create schema app;
create table app.volunteer (id uuid primary key, organisation_id uuid, branch_id uuid, status text, joined_on date);
create table app.course (number text primary key, user_id uuid, title text, valid_until date, revoked_at timestamptz);

create or replace view scheduler.mentor as
select id as user_id, organisation_id, branch_id as chapter_id, status from app.volunteer;
create or replace view scheduler.held_certification as
select user_id, title as name, valid_until as expires_on, revoked_at from app.course;
select scheduler.track_roster(
  source => 'app.volunteer',
  user_column => 'id',
  organisation_column => 'organisation_id',
  joined_on_column => 'joined_on',
  active_when => $$status = 'active'$$
);

create or replace function scheduler.set_mentor_status(user_ids uuid[], expected text, status text) returns uuid[]
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  changed uuid[];
begin
  with written as (
    update app.volunteer as volunteer set status = set_mentor_status.status
    where volunteer.id = any (user_ids) and volunteer.status = expected
    returning volunteer.id
  )
  select coalesce(array_agg(written.id), '{}') into changed from written;
  return changed;
end;
$$;
create or replace function scheduler.write_certifications(certifications jsonb) returns bigint
language sql security definer set search_path = pg_catalog, pg_temp
as $$
  with written as (
    insert into app.course as course (number, user_id, title, valid_until, revoked_at)
    select said.external_id, said.user_id, said.name, said.expires_on, case when said.removed then now() end
    from jsonb_to_recordset(certifications) as said (external_id text, user_id uuid, name text, expires_on date, removed boolean)
    on conflict (number) do update set
      valid_until = case when excluded.revoked_at is null then excluded.valid_until else course.valid_until end,
      revoked_at = excluded.revoked_at
    returning number
  )
  select count(*) from written;
$$;

create trigger scenario_scheduler_status after update on app.volunteer
  referencing old table as old_rows new table as new_rows
  for each statement execute function scheduler.note_status_changes();
create trigger scenario_scheduler_certification_insert after insert on app.course
  referencing new table as new_rows
  for each statement execute function scheduler.note_certification_changes();
create trigger scenario_scheduler_certification_update after update on app.course
  referencing old table as old_rows new table as new_rows
  for each statement execute function scheduler.note_certification_changes();
`;

Deno.test("a project with tables of its own has mentors paused and resumed in them, as a portal says", async () => {
  await inFreshDatabase({}, async ({ sql }) => {
    await applyByHand(sql);
    await sql.unsafe(OWN_CERTIFICATIONS);
    await sql.unsafe(`
      insert into scheduler.required_certifications values ('aaaaaaaa-0000-4000-8000-000000000000', 'driving');
      insert into app.volunteer values
        ('dddddddd-0000-4000-8000-000000000001', 'aaaaaaaa-0000-4000-8000-000000000000', null, 'active', '2026-01-01'),
        ('dddddddd-0000-4000-8000-000000000002', 'aaaaaaaa-0000-4000-8000-000000000000', null, 'on leave', '2026-01-01');
    `);
    const told = (more: Record<string, unknown>) =>
      sql`
        select page.*
        from public.begin_portal_sync(source => 'portal') as round
        cross join lateral public.apply_portal_page(
          source => 'portal', started_at => round.started_at, page => round.page, certifications => ${
        sql.json([1, 2].map((number) => ({
          external_id: `C${number}`,
          member_id: `dddddddd-0000-4000-8000-00000000000${number}`,
          name: "driving",
          modified_on: "2026-03-01T10:00:00Z",
          ...more,
        })))
      }
        ) as page
      `;
    const night = async (day: string) => {
      const changes = await sql<{ user_id: string; to_status: string }[]>`
        select user_id, to_status from public.run_certification_expiry(as_of => ${`${day} 02:00Z`})
      `;
      return changes.map(({ user_id, to_status }) => `${user_id.slice(-1)} ${to_status}`);
    };

    await told({ expires_on: "2026-03-10" });
    deepStrictEqual(await night("2026-03-10"), []);
    deepStrictEqual(await night("2026-03-11"), ["1 paused"]);
    deepStrictEqual(await night("2026-03-12"), []);
    await told({ expires_on: "2027-03-10" });
    deepStrictEqual(await night("2026-03-13"), ["1 active"]);
    await told({ removed: true });
    deepStrictEqual(await night("2026-03-14"), ["1 paused"]);
    await sql`update app.volunteer set status = 'active' where status = 'paused'`;
    deepStrictEqual(await night("2026-03-15"), ["1 paused"]);

    const history = await sql<{ line: string }[]>`
      select concat_ws(' ', right(user_id::text, 1), to_status, changed_by) as line
      from public.mentor_status_history order by id
    `;
    deepStrictEqual(history.map(({ line }) => line), [
      "1 paused certification-expiry",
      "1 active certification-expiry",
      "1 paused certification-expiry",
      "1 active postgres",
      "1 paused certification-expiry",
    ]);
    deepStrictEqual([...await sql`select * from scheduler.verify_mentor_state()`], []);
  });
});
