-- Sweeps over the catalog, so that what is added later can't forget a rule.

begin;
select plan(43);

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

create temp table entry_point (name text, audience text);
insert into entry_point values
  ('explain_scenario_evaluation', 'operators'), ('scheduler_status', 'operators'), ('run_certification_expiry', 'dispatcher'),
  ('run_scenario_evaluation', 'dispatcher'), ('start_invocation', 'dispatcher'), ('claim_notifications', 'dispatcher'),
  ('record_push_results', 'dispatcher'), ('heartbeat_invocation', 'dispatcher'), ('finish_invocation', 'dispatcher'),
  ('invocation_summary', 'dispatcher'), ('begin_portal_sync', 'dispatcher'), ('apply_portal_page', 'dispatcher'),
  ('coordinator_mentor_status', 'staff'), ('list_invocations', 'staff'), ('get_invocation', 'staff'),
  ('request_invocation', 'staff'), ('annotate_invocation', 'staff'), ('stop_invocation', 'staff'),
  ('delete_invocation', 'staff'), ('evaluate_mentors', 'staff');

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
    from project_function, unnest(array['anon', 'scheduler_api']) as grantee
    where has_function_privilege(grantee, oid, 'execute')
    union all
    select signature, 'public'
    from project_function, aclexplode(coalesce(proacl, acldefault('f', proowner))) as granted
    where granted.grantee = 0
  $$,
  'public, anon and the API''s login may execute no function'
);
select set_eq(
  $$ select signature from project_function where has_function_privilege('authenticated', oid, 'execute') $$,
  $$
    select signature from project_function join entry_point on proname = name where audience = 'staff'
    union all
    values
      ('scheduler.organisations_of_caller(text)'), ('scheduler.mentors_of_caller(text)'), ('scheduler.chapters_of_caller()')
  $$,
  'people who are logged in may execute the entry points for staff, what their policies ask, and nothing else'
);
select set_eq(
  $$ select proname::text from project_function where has_function_privilege('service_role', oid, 'execute') $$,
  $$ select name from entry_point where audience in ('operators', 'dispatcher') $$,
  'service_role may execute the entry points that are not for staff and nothing else'
);
select set_eq(
  $$ select proname::text from project_function where has_function_privilege('scheduler_dispatcher', oid, 'execute') $$,
  $$ select name from entry_point where audience = 'dispatcher' $$,
  'the dispatcher''s login may execute the entry points that it needs and nothing else'
);
select is_empty(
  $$
    select name, login, privilege
    from project_table
    cross join unnest(array['scheduler_dispatcher', 'scheduler_api']) as login
    cross join unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger']) as privilege
    where has_table_privilege(login, oid, privilege)
  $$,
  'the logins of the dispatcher and the API may do nothing with any table'
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
select is_empty(
  $$
    select signature from project_function
    where pronamespace = 'scheduler'::regnamespace and has_function_privilege('authenticated', oid, 'execute')
      and not (prosecdef and provolatile = 's' and pronargdefaults = pronargs)
  $$,
  'what policies ask reads only, and needs no argument'
);

-- Whoever is nobody is told so, whatever the arguments.
grant select on project_function, entry_point to authenticated;
select tests.as_caller(gen_random_uuid());
select throws_ok(
  format(
    'select public.%I(%s)', proname,
    (select string_agg(format('%I => null::%s', name, kind::regtype), ', ') from unnest(proargnames[1:pronargs], proargtypes::oid[]) as argument (name, kind))
  ),
  '42501', 'this is for staff', format('%s begins with a look at who calls', proname)
)
from project_function
join entry_point on proname = name
where audience = 'staff'
order by proname;
reset role;

-- Logins -----------------------------------------------------------------------

select is_empty(
  $$
    select rolname from pg_roles
    where rolname in ('scheduler_dispatcher', 'scheduler_api')
      and (rolsuper or rolbypassrls or rolinherit or rolcreaterole or rolcreatedb or rolreplication or not rolcanlogin)
  $$,
  'the logins are no superusers, heed policies, inherit nothing and make nothing'
);
select is((select count(*) from pg_roles where rolname in ('scheduler_dispatcher', 'scheduler_api')), 2::bigint, 'there are both');
select set_eq(
  $$
    select granted.rolname from pg_auth_members as member join pg_roles as granted on granted.oid = member.roleid
    where member.member = 'scheduler_api'::regrole
  $$,
  array['authenticated'], 'the API''s login may become authenticated and nobody else'
);
select ok(not pg_has_role('scheduler_api', 'authenticated', 'usage'), 'and is it only where it says so');
select is(
  (select rolconfig from pg_roles where rolname = 'scheduler_api'), array['statement_timeout=8s'], 'no statement of it lasts longer than those of people'
);
select is_empty(
  $$
    select login, 'in the database' from unnest(array['scheduler_dispatcher', 'scheduler_api']) as login
    where has_database_privilege(login, current_database(), 'create')
    union all
    select login, 'in public' from unnest(array['scheduler_dispatcher', 'scheduler_api']) as login
    where has_schema_privilege(login, 'public', 'create')
  $$,
  'they create nothing'
);

-- Policies ------------------------------------------------------------------------

create temp view project_policy as
select p.*, pg_get_expr(p.polqual, p.polrelid) as condition, pg_get_expr(p.polwithcheck, p.polrelid) as written
from pg_policy as p
join project_table as relation on relation.oid = p.polrelid;
select cmp_ok((select count(*)::integer from project_policy), '>', 10, 'the sweep finds the policies');
select is_empty(
  $$ select polrelid::regclass, polname from project_policy where polroles <> array['authenticated'::regrole::oid] $$,
  'every policy is for people who are logged in'
);
select is_empty(
  $$
    select polrelid::regclass, polname
    from project_policy
    cross join lateral regexp_replace(
      concat_ws(' ', condition, written), '\( SELECT (auth\.uid\(\)|scheduler\.[a-z_]+\([^()]*\)) AS [a-z_]+\)', '', 'g'
    ) as rest
    where rest ~ '(auth|scheduler)\.'
  $$,
  'every policy asks who calls once a statement, and not for each row'
);
select is_empty(
  $$ select polrelid::regclass, polname from project_policy where coalesce(condition, written) !~ 'auth\.uid|_of_caller' $$,
  'every policy depends on who calls'
);
select is_empty(
  $$
    select polrelid::regclass, command
    from project_policy
    cross join unnest(case polcmd when '*' then array['r', 'a', 'w', 'd'] else array[polcmd::text] end) as command
    where polpermissive
    group by polrelid, command having count(*) > 1
  $$,
  'a table has one permissive policy for each command at most'
);
select is_empty(
  $$ select polrelid::regclass, polname from project_policy where polcmd in ('a', 'w', '*') and written is null $$,
  'every policy for writing checks what is written'
);
select is_empty(
  $$
    select relation.name, command.word
    from project_table as relation
    cross join (values ('select', 'r'), ('insert', 'a'), ('update', 'w'), ('delete', 'd')) as command (word, letter)
    where relation.relnamespace = 'public'::regnamespace and has_table_privilege('authenticated', relation.oid, command.word)
      and not exists (select from project_policy where polrelid = relation.oid and polcmd in (command.letter::"char", '*'))
  $$,
  'what people are granted has a policy that says which rows'
);

-- Tables ------------------------------------------------------------------------

select is_empty(
  $$
    select name, grantee, privilege
    from project_table
    cross join unnest(array['anon', 'authenticated', 'service_role', 'scheduler_dispatcher', 'scheduler_api']) as grantee
    cross join unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger']) as privilege
    where relnamespace = 'scheduler'::regnamespace and has_table_privilege(grantee, oid, privilege)
  $$,
  'no role but the owner may do anything with a table or view in scheduler'
);
select is_empty(
  $$
    select grantee, privilege
    from unnest(array['anon', 'authenticated', 'service_role', 'scheduler_dispatcher', 'scheduler_api']) as grantee
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
