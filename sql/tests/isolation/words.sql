-- The words of the specs: few rows, and what became of them without an id or a
-- time of day, so that an expected output is the same on every day and server.
-- Mentors have numbers, days count from day 0.

create table tests.day_zero (day date not null);
grant select, insert, delete on tests.day_zero to postgres;

create function tests.on_day(number integer) returns timestamptz
language sql stable
as $$ select tests.noon(day + number) from tests.day_zero $$;

create function tests.date_of(number integer) returns date
language sql stable
as $$ select day + number from tests.day_zero $$;

create function tests.nth(mentor integer) returns uuid
language sql immutable
as $$ select ('00000000-0000-4000-8000-' || lpad(mentor::text, 12, '0'))::uuid $$;

create function tests.number_of(mentor uuid) returns integer
language sql immutable
as $$ select right(mentor::text, 12)::integer $$;

-- Nothing is left of the permutation before, and day 0 is this one: days ago
-- where there are claims, which know no time but now, so that whatever is decided
-- on the days after it is due already, and long from expired.
create function tests.begin_on(day date) returns void
language sql
as $$
  delete from scheduler.push_attempts;
  delete from scheduler.scenario_cooldowns;
  delete from scheduler.notifications;
  delete from scheduler.invocations;
  delete from public.activities;
  delete from public.certifications;
  delete from public.notification_preferences;
  delete from public.device_tokens;
  delete from public.peer_mentors;
  delete from public.organisations;
  delete from scheduler.organisation_settings where organisation_id is not null;
  -- A state that came to differ from its sources must not spoil the next permutation.
  delete from scheduler.mentor_state;
  delete from scheduler.organisation_state;
  update scheduler.scenario_config set ttl_hours = 8760;
  delete from tests.day_zero;
  insert into tests.day_zero values (day);
$$;

-- Mentors who have been silent since day -40: due for a reminder since day -10.
create function tests.silent(variadic mentors integer[]) returns void
language sql
as $$
  select count(tests.mentor(id => tests.nth(mentor), joined_on => tests.date_of(-40))) from unnest(mentors) as mentor;
$$;

-- So many activities on each of these days.
create function tests.was_active(mentor integer, times integer, variadic days integer[]) returns void
language sql
as $$
  insert into public.activities (user_id, activity_date, kind)
  select tests.nth(mentor), tests.date_of(day), 'conversation'
  from unnest(days) as day
  cross join generate_series(1, times);
$$;

-- Evaluates on that day, everybody or one mentor; each candidate.
create function tests.evaluates(
  day integer, scenarios text[] default null, only_mentor integer default null, dry_run boolean default false
)
returns table (mentor integer, candidate text)
language plpgsql
as $$
begin
  return query
  select tests.number_of(decided.user_id), decided.scenario_type
  from public.run_scenario_evaluation(
    as_of => tests.on_day(day),
    scenarios => evaluates.scenarios,
    user_ids => case when only_mentor is not null then array[tests.nth(only_mentor)] end,
    dry_run => evaluates.dry_run
  ) as decided
  order by 1, 2;
end;
$$;

-- The window of a first reminder of day 0, from somewhere else.
create function tests.imports_window(mentor integer, window_start integer default -10) returns void
language sql
as $$
  insert into scheduler.scenario_cooldowns (user_id, scenario_type, cooldown_window_start, cooldown_until, occurrence_key, notification_id)
  select
    user_id, 'inactivity', tests.date_of(imports_window.window_start), tests.date_of(30),
    'inactivity:' || silent_since || ':1', 1000000 + imports_window.mentor
  from scheduler.mentor_state where user_id = tests.nth(imports_window.mentor);
$$;

-- And its notification.
create function tests.imports_notification(mentor integer) returns void
language sql
as $$
  insert into scheduler.notifications (id, user_id, organisation_id, scenario_type, occurrence_key, evaluation_date, title, body)
  select
    1000000 + imports_notification.mentor, user_id, organisation_id, 'inactivity',
    'inactivity:' || silent_since || ':1', tests.date_of(0), 'title', 'body'
  from scheduler.mentor_state where user_id = tests.nth(imports_notification.mentor);
$$;

-- Both, the window first, as an evaluation does.
create function tests.imports(mentor integer, window_start integer default -10) returns void
language sql
as $$
  select tests.imports_window(mentor => imports.mentor, window_start => imports.window_start);
  select tests.imports_notification(imports.mentor);
$$;

-- Of two who wait for each other, the one with less patience fails.
create function tests.has_patience(how_long text) returns void
language sql security definer
as $$ select set_config('deadlock_timeout', how_long, false) $$;

-- Claims a page, which the session keeps until it records it; the mentors it is for.
create function tests.claims(batch_size integer default 100) returns table (mentor integer, claimed text)
language plpgsql
as $$
declare
  page jsonb;
begin
  select coalesce(
    jsonb_agg(
      jsonb_build_object(
        'notification_id', taken.notification_id, 'lease_token', taken.lease_token,
        'token', taken.devices -> 0 ->> 'token', 'user_id', taken.user_id, 'scenario', taken.scenario_type
      )
      order by taken.user_id, taken.scenario_type
    ), '[]'
  )
  into page
  from public.claim_notifications(batch_size => claims.batch_size, lease => '2 minutes', invocation_id => null) as taken;
  perform set_config('tests.page', page::text, false);
  return query
  select tests.number_of((taken ->> 'user_id')::uuid), taken ->> 'scenario' from jsonb_array_elements(page) as taken;
end;
$$;

-- The page of another session, as its request that comes a second time has it.
create function tests.repeats() returns void
language sql
as $$
  select set_config('tests.page', coalesce(jsonb_agg(tests.said(id, 'sent')), '[]')::text, false)
  from scheduler.notifications where status = 'sending';
$$;

-- Records what the session claimed last.
create function tests.records(outcome text default 'sent') returns table (mentor integer, status text, recorded boolean)
language plpgsql
as $$
begin
  return query
  select tests.number_of(notification.user_id), result.status, result.recorded
  from public.record_push_results(results => (
    select coalesce(jsonb_agg(claimed || jsonb_build_object('outcome', outcome)), '[]')
    from jsonb_array_elements(current_setting('tests.page')::jsonb) as claimed
  )) as result
  join scheduler.notifications as notification on notification.id = result.notification_id
  order by 1;
end;
$$;

-- The operator takes back what is pending; each.
create function tests.cancels(variadic mentors integer[]) returns table (mentor integer, cancelled text)
language plpgsql
as $$
begin
  return query
  select tests.number_of(taken_back.user_id), taken_back.status
  from scheduler.cancel_notifications(notification_ids => array(
    select notification.id from scheduler.notifications as notification
    where tests.number_of(notification.user_id) = any (mentors)
  )) as taken_back
  order by 1;
end;
$$;

-- Leases run out, and what was put off is due.
create function tests.time_goes_on() returns void
language sql
as $$ select count(tests.let_time_pass(id)) from scheduler.notifications $$;

-- Each notification: its window, what became of it, how often it was claimed, and
-- how many pushes were recorded. Then whom an evaluation on that day would add.
create function tests.outbox(day integer) returns table (mentor integer, scenario text, "window" text, became text, claims integer, pushes bigint)
language sql
as $$
  with listed as (
    select
      notification.id,
      tests.number_of(notification.user_id) as mentor,
      notification.scenario_type,
      (
        select format('%s to %s', cooldown.cooldown_window_start - zero.day, cooldown.cooldown_until - zero.day)
        from scheduler.scenario_cooldowns as cooldown where cooldown.notification_id = notification.id
      ),
      concat_ws(': ', notification.status, notification.status_reason),
      notification.attempts,
      (select count(*) from scheduler.push_attempts as attempt where attempt.notification_id = notification.id)
    from scheduler.notifications as notification
    cross join tests.day_zero as zero

    union all
    select null, due.mentor, due.candidate, null, 'due on day ' || day, null, null
    from tests.evaluates(day => outbox.day, dry_run => true) as due
  )
  select listed.mentor, listed.scenario_type, listed.format, listed.concat_ws, listed.attempts, listed.count
  from listed
  order by listed.mentor, listed.id nulls last;
$$;

-- What has to hold whenever all is quiet.
create function tests.rules() returns table (rule text, holds boolean)
language sql
as $$
  select 'windows of a mentor never overlap', not exists (
    select from scheduler.scenario_cooldowns as earlier
    join scheduler.scenario_cooldowns as later
      on later.user_id = earlier.user_id and later.scenario_type = earlier.scenario_type and later.id <> earlier.id
    where later.cooldown_window_start >= earlier.cooldown_window_start
      and later.cooldown_window_start < earlier.cooldown_until
  )

  union all
  select 'an occurrence has one notification', not exists (
    select from scheduler.notifications where status <> 'cancelled'
    group by user_id, scenario_type, occurrence_key having count(*) > 1
  )

  union all
  select 'a mentor gets one a day', not exists (
    select from scheduler.notifications where status <> 'cancelled'
    group by user_id, evaluation_date having count(*) > 1
  )

  union all
  select 'what counts has its window, and only that', not exists (
    select
    from (select * from scheduler.notifications where status <> 'cancelled') as notification
    full join scheduler.scenario_cooldowns as cooldown on cooldown.notification_id = notification.id
    where notification.id is null or cooldown.id is null
  )

  union all
  select 'only what is being sent has a lease', not exists (
    select from scheduler.notifications where (status = 'sending') <> (lease_token is not null)
  )

  union all
  select 'nothing is recorded twice', not exists (
    select from scheduler.push_attempts group by notification_id, token_hash, attempt having count(*) > 1
  )

  union all
  select 'what was cancelled was not sent', not exists (
    select from scheduler.notifications as notification
    join scheduler.push_attempts as attempt on attempt.notification_id = notification.id
    where notification.status = 'cancelled' and attempt.outcome = 'sent'
  )

  union all
  select 'the state is what its sources say', not exists (select from scheduler.verify_mentor_state())

  -- Asked for by name, mentors are looked at without what mentor_state remembers:
  -- soon, and when the windows of the first days are over.
  union all
  select 'nobody who is due is passed by', not exists (
    select ahead, named.user_id, named.occurrence_key
    from generate_series(1, 31, 30) as ahead
    cross join lateral public.run_scenario_evaluation(
      as_of => tests.on_day(ahead), dry_run => true, user_ids => array(select user_id from scheduler.mentor_state)
    ) as named
    except
    select ahead, found.user_id, found.occurrence_key
    from generate_series(1, 31, 30) as ahead
    cross join lateral public.run_scenario_evaluation(as_of => tests.on_day(ahead), dry_run => true) as found
  );
$$;

-- No tick before this one was missed, no run is in the ledger, and the function can be asked.
create function tests.ticking_since(at timestamptz) returns void
language sql
as $$
  select tests.configured();
  select tests.lost();
  delete from scheduler.pauses;
  delete from scheduler.invocations;
  select tests.ticked_until(at);
$$;

-- A run of the daily job, asked for twice and answered 500 twice: it is asked for again in ten minutes.
create function tests.asked_in_vain() returns void
language plpgsql
as $$
declare
  run constant uuid := tests.asked();
begin
  perform tests.answered(run, 500);
  perform scheduler.reconcile_requests();
  perform tests.answered(run, 500);
  perform scheduler.reconcile_requests();
end;
$$;

-- A run of the daily job that somebody has taken on.
create function tests.begins_run() returns void
language plpgsql
as $$
declare
  run constant uuid := tests.asked();
begin
  perform tests.taken_on(run);
  perform tests.answered(run, 202);
  perform scheduler.see_responses(at => now());
end;
$$;

create function tests.the_run() returns uuid
language sql
as $$ select id from scheduler.invocations where status = 'running' $$;

-- Each run: what became of it, how often it counts as tried, and how often the function was asked for it.
create function tests.ledger() returns table (job text, asked_by text, became text, attempt integer, asked bigint)
language sql
as $$
  select run.job_name, run.triggered_by, tests.run_became(run.id), run.attempt, tests.times_asked(run.id)
  from scheduler.invocations as run
  order by run.job_name, run.requested_at, run.status;
$$;

create function tests.two_organisations() returns setof uuid
language sql immutable
as $$ values (uuid 'aaaaaaaa-0000-4000-8000-000000000000'), ('bbbbbbbb-0000-4000-8000-000000000000') $$;

-- Organisations a and b require a certification, and no night has looked at anybody.
create function tests.begin_nights() returns void
language sql
as $$
  delete from scheduler.certification_checks;
  delete from scheduler.certification_watermarks;
  delete from scheduler.required_certifications;
  delete from public.mentor_status_history;
  select tests.organisation(id => id) from tests.two_organisations() as id;
  select tests.requires(organisation_id => id) from tests.two_organisations() as id;
$$;

-- A mentor of one of them, with a certification that is valid until that day.
create function tests.certified_in(letter text, mentor integer, until integer) returns void
language sql
as $$
  select tests.mentor(id => tests.nth(certified_in.mentor), organisation_id => id)
  from tests.two_organisations() as id where id::text like certified_in.letter || '%';
  select tests.certified_until(tests.nth(certified_in.mentor), tests.date_of(certified_in.until));
$$;

create function tests.valid_until(day integer, variadic mentors integer[]) returns void
language sql
as $$
  update public.certifications set expires_on = tests.date_of(valid_until.day) where tests.number_of(user_id) = any (mentors);
$$;

-- A night of certification-expiry: whom it pauses and resumes.
create function tests.nightly(day integer, dry_run boolean default false) returns table (mentor integer, becomes text)
language sql
as $$
  select tests.number_of(changed.user_id), changed.to_status
  from public.run_certification_expiry(as_of => tests.on_day(day), dry_run => nightly.dry_run) as changed
  order by 1;
$$;

-- Each mentor, how often the history says that a status changed, and who is to be looked at by the next night.
create function tests.statuses() returns table (mentor integer, status text, changes bigint, noted boolean)
language sql
as $$
  select
    tests.number_of(mentor.id),
    mentor.status,
    (select count(*) from public.mentor_status_history as line where line.user_id = mentor.id),
    exists (select from scheduler.certification_checks as waiting where waiting.user_id = mentor.id)
  from public.peer_mentors as mentor
  order by 1;
$$;

-- Begins a sync of the portal, or goes on with it, and keeps where it is; the page to ask for.
create function tests.begins_sync() returns table (page integer, "cursor" text)
language plpgsql
as $$
declare
  round scheduler.portal_round := public.begin_portal_sync(source => 'hlf');
begin
  perform set_config('tests.round', jsonb_build_array(round.started_at, round.page)::text, false);
  return query select round.page, round.page_cursor;
end;
$$;

-- Takes over the page that it asked for, which names a next one or none.
create function tests.takes_over_page(next_cursor text default null) returns boolean
language sql
as $$
  select result.completed
  from (select current_setting('tests.round')::jsonb as at) as round
  cross join lateral public.apply_portal_page(
    source => 'hlf',
    started_at => (round.at ->> 0)::timestamptz,
    page => (round.at ->> 1)::integer,
    certifications => '[]',
    next_cursor => takes_over_page.next_cursor
  ) as result;
$$;
