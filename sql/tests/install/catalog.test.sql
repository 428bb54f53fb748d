-- Sweeps over the catalog, so that what is added later can't forget a rule.

begin;
select plan(20);

create temp view project_function as
select p.oid::regprocedure::text as signature, p.*
from pg_proc as p
where p.pronamespace in ('public'::regnamespace, 'scheduler'::regnamespace)
  and not exists (select from pg_depend as d where d.objid = p.oid and d.deptype = 'e');

create temp view project_table as
select c.oid::regclass::text as name, c.*
from pg_class as c
where c.relnamespace in ('public'::regnamespace, 'scheduler'::regnamespace)
  and c.relkind in ('r', 'p', 'v', 'm')
  and not exists (select from pg_depend as d where d.objid = c.oid and d.deptype = 'e');

create temp table entry_point (name text);
insert into entry_point values
  ('run_scenario_evaluation'), ('explain_scenario_evaluation'), ('scheduler_status'),
  ('start_invocation'), ('claim_notifications'), ('record_push_results'),
  ('heartbeat_invocation'), ('finish_invocation'), ('invocation_summary');

select cmp_ok((select count(*)::integer from project_function), '>', 20, 'the sweep finds the functions');
select cmp_ok((select count(*)::integer from project_table), '>', 20, 'the sweep finds the tables');

-- Functions -------------------------------------------------------------------

select is_empty(
  $$
    select signature from project_function
    where not coalesce(proconfig && array['search_path=""', 'search_path=pg_catalog, pg_temp'], false)
  $$,
  'every function pins a search_path without a schema that others write to'
);
select is_empty(
  $$ select signature from project_function where coalesce(obj_description(oid, 'pg_proc'), '') !~ '\S' $$,
  'every function has a comment'
);
select is_empty(
  $$
    select signature, grantee
    from project_function, unnest(array['anon', 'authenticated']) as grantee
    where has_function_privilege(grantee, oid, 'execute')
    union all
    select signature, 'public'
    from project_function, aclexplode(coalesce(proacl, acldefault('f', proowner))) as granted
    where granted.grantee = 0
  $$,
  'public, anon and authenticated may execute no function'
);
select set_eq(
  $$ select proname::text from project_function where has_function_privilege('service_role', oid, 'execute') $$,
  $$ select name from entry_point $$,
  'service_role may execute the entry points and nothing else'
);
select set_eq(
  $$ select proname::text from project_function where has_function_privilege('scheduler_dispatcher', oid, 'execute') $$,
  $$ select name from entry_point where name not in ('explain_scenario_evaluation', 'scheduler_status') $$,
  'the dispatcher''s login may execute the entry points that it needs and nothing else'
);
select is_empty(
  $$
    select name, privilege
    from project_table
    cross join unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger']) as privilege
    where has_table_privilege('scheduler_dispatcher', oid, privilege)
  $$,
  'the dispatcher''s login may do nothing with any table'
);
select set_eq(
  $$ select proname::text from project_function where pronamespace = 'public'::regnamespace $$,
  $$ select name from entry_point $$,
  'there is nothing in public but the entry points'
);
select is_empty(
  $$ select signature from project_function join entry_point on proname = name where not prosecdef $$,
  'every entry point is a security definer'
);
select is_empty(
  $$
    select signature from project_function join entry_point on proname = name
    where pronargs > 0 and coalesce('' = any (proargnames[1:pronargs]), true)
  $$,
  'every argument of an entry point has a name'
);
select is_empty(
  $$ select proname from project_function group by pronamespace, proname having count(*) > 1 $$,
  'no function is overloaded'
);
select is_empty(
  $$ select signature from project_function where proowner <> 'postgres'::regrole $$,
  'every function belongs to postgres'
);

-- Tables ------------------------------------------------------------------------

select is_empty(
  $$
    select name, grantee, privilege
    from project_table
    cross join unnest(array['anon', 'authenticated', 'service_role', 'scheduler_dispatcher']) as grantee
    cross join unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger']) as privilege
    where relnamespace = 'scheduler'::regnamespace and has_table_privilege(grantee, oid, privilege)
  $$,
  'no role but the owner may do anything with a table or view in scheduler'
);
select is_empty(
  $$
    select grantee, privilege
    from unnest(array['anon', 'authenticated', 'service_role', 'scheduler_dispatcher']) as grantee
    cross join unnest(array['usage', 'create']) as privilege
    where has_schema_privilege(grantee, 'scheduler', privilege)
  $$,
  'no role but the owner may even look into scheduler'
);
select is_empty(
  $$ select name from project_table where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relrowsecurity $$,
  'every table of public has row level security'
);
select is_empty(
  $$
    select name, privilege
    from project_table
    cross join unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger']) as privilege
    where relnamespace = 'public'::regnamespace and has_table_privilege('anon', oid, privilege)
  $$,
  'anon may do nothing with a table of public'
);
select is_empty(
  $$ select name from project_table where coalesce(obj_description(oid, 'pg_class'), '') !~ '\S' and name !~ '^scheduler\.(roster|activity)$' $$,
  'every table has a comment'
);
-- A primary key of the application's tables is named by default: so is that of every table it stands in for.
select is_empty(
  $$
    select conrelid::regclass, conname
    from pg_constraint
    where connamespace in ('public'::regnamespace, 'scheduler'::regnamespace)
      and contype in ('c', 'f', 'u', 'x')
      and conname ~ ('^' || (select relname from pg_class where oid = conrelid) || '_.*(check|fkey|key|excl)\d*$')
  $$,
  'every constraint has a name that says the rule'
);
select is_empty(
  $$
    select conrelid::regclass, pg_get_constraintdef(oid)
    from pg_constraint as foreign_key
    where contype = 'f'
      and connamespace in ('public'::regnamespace, 'scheduler'::regnamespace)
      and not exists (
        select from pg_index as i
        where i.indrelid = foreign_key.conrelid and i.indpred is null
          and (i.indkey::smallint[])[0:cardinality(foreign_key.conkey) - 1] = foreign_key.conkey
      )
  $$,
  'every foreign key has an index'
);

select * from finish();
rollback;
