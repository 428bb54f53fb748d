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
