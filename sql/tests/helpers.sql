-- Few words for the rows that tests arrange. Loaded into the test database only.

create schema tests;

-- Noon in Oslo, in winter and in summer within an hour.
create function tests.noon(day date) returns timestamptz
language sql immutable
as $$ select (day + time '11:00') at time zone 'UTC' $$;

create function tests.organisation(timezone text default 'Europe/Oslo', locale text default 'nb', id uuid default gen_random_uuid())
returns uuid
language sql
as $$
  insert into public.organisations (id, name, timezone, locale) values (id, 'Organisation', timezone, locale) returning id;
$$;

-- A mentor whom a push can reach: active, with a device, of one organisation for all who name none.
create function tests.mentor(
  joined_on date default '2025-01-01',
  organisation_id uuid default 'aaaaaaaa-0000-4000-8000-000000000000',
  timezone text default null,
  locale text default null,
  id uuid default gen_random_uuid()
)
returns uuid
language plpgsql
as $$
begin
  insert into public.organisations (id, name)
  values (mentor.organisation_id, 'Organisation') on conflict do nothing;
  insert into public.peer_mentors (id, organisation_id, joined_on, timezone, locale)
  values (mentor.id, mentor.organisation_id, mentor.joined_on, mentor.timezone, mentor.locale);
  insert into public.device_tokens (token, user_id) values ('token of ' || mentor.id, mentor.id);
  return mentor.id;
end;
$$;

create function tests.active_on(mentor uuid, variadic days date[]) returns void
language sql
as $$
  insert into public.activities (user_id, activity_date, kind)
  select mentor, day, 'conversation' from unnest(days) as day;
$$;

create function tests.certified_until(mentor uuid, day date) returns uuid
language sql
as $$
  insert into public.certifications (user_id, name, expires_on) values (mentor, 'certification', day) returning id;
$$;

-- The reason in explain's row for a scenario; 'candidate' where nothing holds it back.
create function tests.verdict(mentor uuid, scenario text, as_of timestamptz) returns text
language sql
as $$
  select case when decision = 'candidate' then decision else reason end
  from public.explain_scenario_evaluation(mentor, as_of)
  where scenario_type = scenario;
$$;

-- Evaluates for real, and returns the keys of one mentor's candidates.
create function tests.evaluated(mentor uuid, as_of timestamptz) returns text[]
language sql
as $$
  select coalesce(array_agg(candidate.occurrence_key order by candidate.occurrence_key), '{}')
  from public.run_scenario_evaluation(as_of => as_of) as candidate
  where candidate.user_id = mentor;
$$;

-- Evaluates for real, without a result.
create function tests.evaluate(as_of timestamptz) returns void
language sql
as $$ select count(*) from public.run_scenario_evaluation(as_of => as_of) $$;

-- The keys of one mentor's candidates in a dry run over everybody, of all scenarios or one; null: none.
create function tests.foreseen(mentor uuid, as_of timestamptz, scenario text default null) returns text
language sql
as $$
  select string_agg(candidate.occurrence_key, ', ' order by candidate.occurrence_key)
  from public.run_scenario_evaluation(
    as_of => as_of, dry_run => true, scenarios => case when scenario is not null then array[scenario] end
  ) as candidate
  where candidate.user_id = mentor;
$$;

-- The same, written to the outbox.
create function tests.pushed(mentor uuid, as_of timestamptz, scenario text default null) returns text
language sql
as $$
  select string_agg(candidate.occurrence_key, ', ' order by candidate.occurrence_key)
  from public.run_scenario_evaluation(
    as_of => as_of, scenarios => case when scenario is not null then array[scenario] end
  ) as candidate
  where candidate.user_id = mentor;
$$;

-- What an evaluation held back, as its ledger row says: scenario, reason, number of mentors.
create function tests.held_back(as_of timestamptz) returns jsonb
language plpgsql
as $$
declare
  run uuid := gen_random_uuid();
begin
  perform public.run_scenario_evaluation(as_of => held_back.as_of, invocation_id => run);
  return (select suppressed from scheduler.invocations where id = run);
end;
$$;

-- A notification that an earlier evaluation left in the outbox.
create function tests.queued(mentor uuid, scenario text, key text, day date, status text default 'sent') returns bigint
language sql
as $$
  insert into scheduler.notifications (user_id, scenario_type, occurrence_key, evaluation_date, status, title, body)
  values (mentor, scenario, key, day, status, 'title', 'body')
  returning id;
$$;

-- The date in Oslo.
create function tests.today() returns date
language sql stable
as $$ select (now() at time zone 'Europe/Oslo')::date $$;

-- A push in the outbox, due for a while, with its window: a reminder for a mentor who is silent still.
create function tests.waiting(
  mentor uuid default tests.mentor(), due_for interval default '1 minute', ttl interval default '72 hours'
)
returns bigint
language sql
as $$
  with queued as (
    insert into scheduler.notifications (
      user_id, organisation_id, scenario_type, occurrence_key, evaluation_date, created_at, deliver_after, expires_at, title, body
    )
    select
      user_id, organisation_id, 'inactivity', 'inactivity:' || silent_since || ':1', tests.today(),
      now() - due_for, now() - due_for, now() - due_for + ttl, 'title', 'body'
    from scheduler.mentor_state where user_id = mentor
    returning id, user_id, occurrence_key
  )
  insert into scheduler.scenario_cooldowns (user_id, scenario_type, cooldown_window_start, cooldown_until, occurrence_key, notification_id)
  select user_id, 'inactivity', '2025-01-31', tests.today() + 30, occurrence_key, id from queued
  returning notification_id;
$$;

-- Claims a page, and returns the ids in it.
create function tests.claimed(batch_size integer default 500) returns bigint[]
language sql
as $$
  select coalesce(array_agg(notification_id order by notification_id), '{}')
  from public.claim_notifications(batch_size => claimed.batch_size, lease => '2 minutes', invocation_id => null);
$$;

-- What its sender says of a notification at a device, by default the only one that tests.mentor gave.
create function tests.said(notification bigint, outcome text, token text default null, more jsonb default '{}') returns jsonb
language sql
as $$
  select jsonb_build_object(
    'notification_id', id, 'lease_token', lease_token, 'token', coalesce(said.token, 'token of ' || user_id), 'outcome', outcome
  ) || more
  from scheduler.notifications where id = notification;
$$;

-- Records it, and returns the status that the notification has then; null: not recorded.
create function tests.recorded(variadic results jsonb[]) returns text
language sql
as $$ select status from public.record_push_results(results => to_jsonb(results)) where recorded limit 1 $$;

-- A notification's status and reason.
create function tests.became(notification bigint) returns text
language sql
as $$ select concat_ws(': ', status, status_reason) from scheduler.notifications where id = notification $$;

-- The time has come that a notification waits for: of its retry, or the end of its lease.
create function tests.let_time_pass(notification bigint) returns void
language sql
as $$
  update scheduler.notifications
  set
    next_attempt_at = case when status = 'pending' then now() end,
    lease_expires_at = case when status = 'sending' then now() end
  where id = notification;
$$;

-- The hint of the error that a statement raises.
create function tests.hint_of(statement text) returns text
language plpgsql
as $$
declare
  hint text;
begin
  execute statement;
  return 'no error';
exception
  when others then
    get stacked diagnostics hint = pg_exception_hint;
    return hint;
end;
$$;

-- The column that the error of a statement names: the argument at fault.
create function tests.column_of(statement text) returns text
language plpgsql
as $$
declare
  argument text;
begin
  execute statement;
  return 'no error';
exception
  when others then
    get stacked diagnostics argument = column_name;
    return argument;
end;
$$;

-- Every row of the engine's tables, and where it lies: a row written anew with the same values shows too.
create function tests.engine_contents() returns table (relation text, contents text)
language plpgsql
as $$
begin
  for relation in
    select c.oid::regclass::text
    from pg_class as c
    where c.relnamespace = 'scheduler'::regnamespace and c.relkind = 'r'
    order by 1
  loop
    execute format('select md5(string_agg(r.ctid || r::text, '','' order by r.ctid)) from %s as r', relation) into contents;
    return next;
  end loop;
end;
$$;

-- The secret that tests.configured sets.
create function tests.secret() returns text
language sql immutable
as $$ select repeat('5eC2e7', 10) || 'abcd' $$;

-- What an operator sets before the function can be asked.
create function tests.configured(url text default 'https://project.supabase.co/functions/v1/scenario-scheduler') returns text
language sql
as $$ select scheduler.configure_edge(url => configured.url, secret => tests.secret()) $$;

-- Asks the function for a job, as its tick does; the run's id.
create function tests.asked(job text default 'scenario-evaluation', scheduled_for timestamptz default date_trunc('minute', now()))
returns uuid
language sql
as $$
  select scheduler.run_job(job_name => asked.job, scheduled_for => asked.scheduled_for, triggered_by => 'pg_cron');
$$;

-- How often the function was asked for a run.
create function tests.times_asked(run uuid) returns bigint
language sql
as $$ select count(*) from scheduler.requests where invocation_id = run $$;

-- pg_net makes the last request for a run, and this comes of it.
create function tests.answered(run uuid, status integer, content text default null, timed_out boolean default false, error text default null)
returns void
language sql
as $$
  insert into net._http_response (id, status_code, content, timed_out, error_msg)
  select request_id, answered.status, answered.content, answered.timed_out, answered.error
  from scheduler.invocations where id = run;
  delete from net.http_request_queue
  where id = (select request_id from scheduler.invocations where id = run);
$$;

-- The server was killed: pg_net's tables are empty.
create function tests.lost() returns void
language sql
as $$
  delete from net.http_request_queue;
  delete from net._http_response;
$$;

-- The function takes a run on; true: it runs.
create function tests.taken_on(run uuid) returns boolean
language sql
as $$
  select started.started
  from scheduler.invocations as invocation
  cross join lateral public.start_invocation(job_name => invocation.job_name, invocation_id => invocation.id) as started
  where invocation.id = run;
$$;

-- A run, its requests and pg_net's rows of them are so much older.
create function tests.time_passed(run uuid, by interval) returns void
language sql
as $$
  update net._http_response set created = created - by
  where id in (select request_id from scheduler.requests where invocation_id = run);
  update scheduler.requests set asked_at = asked_at - by, seen_at = seen_at - by where invocation_id = run;
  update scheduler.invocations
  set
    requested_at = requested_at - by,
    started_at = started_at - by,
    heartbeat_at = heartbeat_at - by,
    finished_at = finished_at - by
  where id = run;
$$;

-- What reconcile_requests found and did: a line a run; null: nothing.
create function tests.reconciled(at timestamptz default now()) returns text
language sql
as $$
  select string_agg(format('%s: %s: %s', job_name, found, done), E'\n' order by job_name)
  from scheduler.reconcile_requests(at => reconciled.at);
$$;

-- A run's status and its reason.
create function tests.run_became(run uuid) returns text
language sql
as $$
  select concat_ws(': ', status, coalesce(error_type, status_reason)) from scheduler.invocations where id = run;
$$;

-- Lets the ticks of this moment and later be the first: nothing before is made up for.
create function tests.ticked_until(at timestamptz) returns void
language sql
as $$ update scheduler.jobs set last_tick_for = at $$;

-- What a tick did: a line a job; null: nothing.
create function tests.ticked(entry text, at timestamptz) returns text
language plpgsql
as $$
declare
  runs uuid[] := array(select started.invocation_id from scheduler.tick(cron_name => entry, at => ticked.at) as started);
begin
  return (
    select string_agg(
      concat_ws(' ', run.job_name, run.status, run.status_reason, to_char(run.scheduled_for at time zone 'UTC', 'MM-DD HH24:MI')),
      E'\n' order by run.job_name
    )
    from scheduler.invocations as run
    where run.id = any (runs)
  );
end;
$$;

create function tests.status_of(part text) returns text
language sql
as $$ select status from public.scheduler_status() where component = part $$;

create function tests.detail_of(part text) returns text
language sql
as $$ select detail from public.scheduler_status() where component = part $$;

-- The tables, but Vault's, in which a text is found, whoever may read them.
create function tests.tables_with(needle text) returns setof text
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  relation regclass;
  found_there boolean;
begin
  for relation in
    select c.oid
    from pg_class as c
    where c.relkind = 'r' and c.relpersistence <> 't'
      and c.relnamespace::regnamespace::text not in ('vault', 'pg_catalog', 'information_schema')
    order by 1
  loop
    execute format('select exists (select from %s as r where r::text like any ($1))', relation)
    into found_there
    using array[
      '%' || needle || '%', '%' || encode(convert_to(needle, 'utf8'), 'hex') || '%',
      '%' || lower(needle) || '%', '%' || split_part(encode(convert_to(needle, 'utf8'), 'base64'), E'\n', 1) || '%'
    ];
    if found_there then
      return next relation::text;
    end if;
  end loop;
end;
$$;

-- A database that lacks an extension of Supabase: cron, net or vault.
create function tests.without(missing name) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  execute format('drop schema %I cascade', missing);
end;
$$;

-- A database in which an extension was not created, or dropped.
create function tests.without_extension(missing name) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  execute format('drop extension %I cascade', missing);
end;
$$;

-- After a restore elsewhere: Vault has another key than its secrets, and update_secret reads what it replaces.
create function tests.cannot_decrypt() returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  update vault.secrets set secret = '*' || secret;
  create function vault.read_before() returns trigger language plpgsql as $read$
  begin
    perform kept.decrypted_secret from vault.decrypted_secrets as kept where kept.id = old.id;
    return new;
  end;
  $read$;
  create trigger read_before before update on vault.secrets for each row execute function vault.read_before();
end;
$$;

-- A pg_net that takes no request, with whatever error.
create function tests.takes_no_request(errcode text default 'XX000') returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
  execute format(
    $replaced$
    create or replace function net.http_post(
      url text,
      body jsonb default '{}',
      params jsonb default '{}',
      headers jsonb default '{"Content-Type": "application/json"}',
      timeout_milliseconds integer default 5000
    ) returns bigint
    language plpgsql as $fail$ begin raise exception 'pg_net of %%', url using errcode = %L; end $fail$
    $replaced$,
    errcode
  );
end;
$$;

-- A table seems to have so many rows, as after analyze.
create function tests.seems_to_hold(source regclass, many integer) returns void
language sql security definer set search_path = pg_catalog, pg_temp
as $$ update pg_class set reltuples = many where oid = source $$;

-- Somebody who is coordinator or admin; with an id that is there already, of one more organisation.
create function tests.staff(
  role text default 'coordinator',
  organisation_id uuid default 'aaaaaaaa-0000-4000-8000-000000000000',
  id uuid default gen_random_uuid()
)
returns uuid
language plpgsql
as $$
begin
  insert into public.organisations (id, name)
  values (staff.organisation_id, 'Organisation') on conflict do nothing;
  insert into public.staff (user_id, organisation_id, role) values (staff.id, staff.organisation_id, staff.role);
  return staff.id;
end;
$$;

-- A chapter, with a coordinator if one is named.
create function tests.chapter(
  coordinator uuid default null, organisation_id uuid default 'aaaaaaaa-0000-4000-8000-000000000000'
)
returns uuid
language plpgsql
as $$
declare
  made constant uuid := gen_random_uuid();
begin
  insert into public.organisations (id, name)
  values (chapter.organisation_id, 'Organisation') on conflict do nothing;
  insert into public.chapters (id, organisation_id, name) values (made, chapter.organisation_id, 'Chapter');
  insert into public.chapter_coordinators (coordinator_id, chapter_id)
  select chapter.coordinator, made where chapter.coordinator is not null;
  return made;
end;
$$;

-- These mentors are assigned to a coordinator.
create function tests.assigned(coordinator uuid, variadic mentors uuid[]) returns void
language sql
as $$
  insert into public.coordinator_assignments (coordinator_id, peer_mentor_id)
  select coordinator, mentor from unnest(mentors) as mentor;
$$;

-- These mentors are of a chapter; null: of none.
create function tests.placed(chapter uuid, variadic mentors uuid[]) returns void
language sql
as $$ update public.peer_mentors set chapter_id = chapter where id = any (mentors) $$;

-- From here on, until reset role, this person is logged in.
create function tests.as_caller(caller uuid) returns void
language sql
as $$
  select
    set_config('request.jwt.claims', jsonb_build_object('sub', caller, 'role', 'authenticated')::text, true),
    set_config('role', 'authenticated', true);
$$;

create function tests.sorted(variadic ids uuid[]) returns uuid[]
language sql immutable
as $$ select coalesce(array_agg(id order by id), '{}') from unnest(ids) as id $$;

-- The mentors in somebody's reach; with a role, by virtue of that alone.
create function tests.reach(caller uuid, as_role text default null) returns uuid[]
language plpgsql
as $$
begin
  perform set_config('request.jwt.claims', jsonb_build_object('sub', caller, 'role', 'authenticated')::text, true);
  return tests.sorted(variadic scheduler.mentors_of_caller(as_role));
end;
$$;

-- What a statement gives somebody: its rows, how many it wrote, or all that its error says. %L in it
-- stands for the id, which is left out of the answer: so two ids can be compared.
create function tests.answer_to(caller uuid, statement text, id uuid default null) returns text
language plpgsql
as $$
declare
  answer text;
  written bigint;
  code text;
  message text;
  detail text;
  hint text;
  place text;
  about text;
  rule text;
begin
  begin
    perform tests.as_caller(caller);
    if statement ~ '^\s*select' then
      execute format('select coalesce(jsonb_agg(answer), ''[]'') from (%s) as answer', format(statement, id)) into answer;
    else
      execute format(statement, id);
      get diagnostics written = row_count;
      answer := written || ' written';
    end if;
    reset role;
  exception
    when others then
      get stacked diagnostics
        code = returned_sqlstate, message = message_text, detail = pg_exception_detail, hint = pg_exception_hint,
        place = column_name, about = table_name, rule = constraint_name;
      answer := concat_ws(' | ', code, message, detail, hint, place, about, rule);
  end;
  return coalesce(replace(answer, id::text, 'id'), answer);
end;
$$;

-- A row of the ledger; without organisations it concerns all.
create function tests.run(
  organisation_ids uuid[] default null,
  status text default 'completed',
  job_name text default 'scenario-evaluation',
  requested_at timestamptz default clock_timestamp()
)
returns uuid
language sql
as $$
  insert into scheduler.invocations (job_name, status, organisation_ids, requested_at, started_at, finished_at, heartbeat_at)
  values (
    run.job_name, run.status, run.organisation_ids, run.requested_at,
    case when run.status not in ('requested', 'skipped') then run.requested_at end,
    case when run.status not in ('requested', 'running') then run.requested_at end,
    case when run.status = 'running' then run.requested_at end
  )
  returning id;
$$;

-- A certification that an organisation's mentors must have.
create function tests.requires(
  name text default 'certification', organisation_id uuid default 'aaaaaaaa-0000-4000-8000-000000000000'
)
returns void
language sql
as $$ insert into scheduler.required_certifications (organisation_id, name) values (requires.organisation_id, requires.name) $$;

-- A mentor with a certification of this name; without a day it is valid without limit.
create function tests.certified(mentor uuid, name text, until date default null) returns uuid
language sql
as $$ insert into public.certifications (user_id, name, expires_on) values (mentor, certified.name, until) returning id $$;

-- Mentors get another status from somebody who is not the job.
create function tests.given(status text, variadic mentors uuid[]) returns void
language sql
as $$ update public.peer_mentors set status = given.status where id = any (mentors) $$;

-- A night's run: who became what; null: nobody.
create function tests.night(day date) returns text
language sql
as $$
  select string_agg(format('%s to %s: %s', from_status, to_status, reason), ', ' order by to_status desc, user_id)
  from public.run_certification_expiry(as_of => (day + time '02:00') at time zone 'UTC');
$$;

-- A mentor's status after a night's run.
create function tests.status_after(mentor uuid, day date) returns text
language plpgsql
as $$
begin
  perform tests.night(day);
  return (select status from public.peer_mentors where id = mentor);
end;
$$;

-- What the history says of a mentor: a line a change; null: nothing.
create function tests.history(mentor uuid) returns text
language sql
as $$
  select string_agg(concat_ws(' ', from_status, 'to', to_status, 'by', changed_by, reason), E'\n' order by id)
  from public.mentor_status_history where user_id = mentor;
$$;

-- A certification as a portal tells it.
create function tests.portal_row(
  external_id text,
  member uuid,
  expires_on text default '2027-05-01',
  modified_on text default '2026-03-01T10:00:00Z',
  removed boolean default false,
  name text default 'certification'
)
returns jsonb
language sql
as $$
  select jsonb_build_object(
    'external_id', external_id, 'member_id', member, 'name', portal_row.name, 'expires_on', expires_on,
    'modified_on', modified_on, 'removed', removed
  );
$$;

-- The portal's next page is taken over; with a cursor, another follows.
create function tests.page(rows jsonb, next_cursor text default null, invocation_id uuid default null)
returns scheduler.portal_page_result
language sql
as $$
  select public.apply_portal_page(
    source => 'hlf', started_at => round.started_at, page => round.page, certifications => rows, next_cursor => page.next_cursor,
    invocation_id => page.invocation_id
  )
  from public.begin_portal_sync(source => 'hlf') as round;
$$;

-- A round of one page, and what came of it.
create function tests.told(variadic rows jsonb[]) returns text
language sql
as $$
  select concat_ws(
    ', ', result.received || ' received', result.applied || ' applied', result.unchanged || ' unchanged', result.revoked || ' revoked',
    nullif(result.rejected, '{}')::text || ' rejected'
  )
  from tests.page(to_jsonb(rows)) as result;
$$;

-- The next round asks for everything.
create function tests.week_passed() returns void
language sql
as $$ update scheduler.portal_syncs set full_round_at = full_round_at - interval '7 days' $$;

-- What is held by the id that the portal gave it; null: nothing.
create function tests.held(external_id text) returns text
language sql
as $$
  select concat_ws(' ', name, coalesce('until ' || expires_on, 'without limit'), case when revoked_at is not null then 'revoked' end)
  from public.certifications as certification where certification.external_id = held.external_id;
$$;

-- What was not taken over, and how often; null: nothing.
create function tests.rejects() returns text
language sql
as $$
  select string_agg(format('%s %s %s', external_id, reason, times), ', ' order by external_id, reason) from scheduler.certification_rejects;
$$;
