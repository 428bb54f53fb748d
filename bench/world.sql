-- The benchmark's world. The number of mentors and of their activities varies,
-- the number who are due does not: 7,000 by inactivity, 2,000 by milestone and
-- 1,000 by expiry on 2026-11-20. Loaded by a superuser with triggers off, as a
-- restore would; rebuild_mentor_state() then folds it all.

create schema bench;
grant usage on schema bench to public;

create function bench.mentor_id(number integer) returns uuid
language sql immutable
as $$ select md5('mentor ' || number)::uuid $$;

create procedure bench.make_world(mentors integer, activities_each integer, organisations integer)
language plpgsql
as $$
begin
  set local session_replication_role = replica;

  insert into public.organisations (id, name)
  select md5('organisation ' || n)::uuid, 'Organisation ' || n from generate_series(0, organisations - 1) as n;

  -- Every tenth is inactive. Numbers up to 20,000 hold those who are due.
  insert into public.peer_mentors (id, organisation_id, status, joined_on)
  select
    bench.mentor_id(n), md5('organisation ' || n % organisations)::uuid,
    case when n % 10 = 0 then 'inactive' else 'active' end, date '2023-01-01' + n % 700
  from generate_series(1, mentors) as n;

  insert into public.device_tokens (token, user_id, platform)
  select 'token ' || n, bench.mentor_id(n), 'android' from generate_series(1, mentors) as n;

  insert into public.notification_preferences (user_id, scenario_type, push_enabled)
  select bench.mentor_id(n), 'inactivity', false from generate_series(20001, mentors, 100) as n;

  drop index public.activities_user_date;
  insert into public.activities (user_id, activity_date, kind)
  select
    bench.mentor_id(n),
    date '2026-11-20'
      - case
          when n <= 10000 and n % 10 between 1 and 7 then 30 + n % 11
          when n between 10001 and 12222 then n % 13
          else n % 26
        end
      - ordinal * 12,
    'conversation'
  from generate_series(0, activities_each - 1) as ordinal
  cross join generate_series(1, mentors) as n
  -- 2,000 have ten, the tenth of them in the last days.
  where n not between 10001 and 12222 or ordinal < 10;
  create index activities_user_date on public.activities (user_id, activity_date);

  insert into public.certifications (user_id, name, expires_on)
  select
    bench.mentor_id(n), 'certification',
    date '2026-11-20' + case when n between 15001 and 16111 and n % 10 <> 0 then 50 else 61 + n % 1000 end
  from generate_series(1, mentors) as n;
end;
$$;

-- Mentors silent for long: half past their last reminder, half in cooldown.
create procedure bench.add_dormant(first integer, last integer, organisations integer)
language plpgsql
as $$
begin
  set local session_replication_role = replica;

  insert into public.peer_mentors (id, organisation_id, status, joined_on)
  select bench.mentor_id(n), md5('organisation ' || n % organisations)::uuid, 'active', date '2024-01-01' + n % 600
  from generate_series(first, last) as n;
  insert into public.device_tokens (token, user_id, platform)
  select 'token ' || n, bench.mentor_id(n), 'ios' from generate_series(first, last) as n;
end;
$$;

create procedure bench.remind_dormant(first integer, last integer)
language plpgsql
as $$
begin
  with reminder as (
    select
      bench.mentor_id(n) as user_id, ordinal, date '2024-01-01' + n % 600 as silent_since,
      case when n % 2 = 0 then date '2026-11-10' - (3 - ordinal) * 40 - 30 else date '2026-11-10' end as day
    from generate_series(first, last) as n
    cross join generate_series(1, case when n % 2 = 0 then 3 else 1 end) as ordinal
  ),
  sent as (
    insert into scheduler.notifications (
      user_id, organisation_id, scenario_type, occurrence_key, evaluation_date, cooldown_window_start,
      status, deliver_after, expires_at, title, body
    )
    select
      user_id, null, 'inactivity', 'inactivity:' || silent_since || ':' || ordinal, day, day,
      'sent', day, day + 3, 'title', 'body'
    from reminder
    order by user_id
    returning id, user_id, occurrence_key, evaluation_date
  )
  insert into scheduler.scenario_cooldowns
    (user_id, scenario_type, cooldown_window_start, cooldown_until, occurrence_key, notification_id)
  select user_id, 'inactivity', evaluation_date, evaluation_date + 30, occurrence_key, id
  from sent
  order by user_id, evaluation_date;
end;
$$;

-- A coordinator with 200 mentors (half assigned, half by a chapter), an admin whose
-- organisation has a 200th of all, and a ledger with a run a quarter of an hour.
create procedure bench.add_staff(mentors integer, organisations integer)
language plpgsql
as $$
begin
  set local session_replication_role = replica;

  insert into public.chapters (id, organisation_id, name)
  select md5(format('chapter %s %s', o, c))::uuid, md5('organisation ' || o)::uuid, 'Chapter ' || c
  from generate_series(0, organisations - 1) as o
  cross join generate_series(1, greatest(mentors / organisations / 100, 1)) as c;

  -- A hundred mentors a chapter.
  update public.peer_mentors as mentor
  set chapter_id = md5(format('chapter %s %s', n % organisations, 1 + n / organisations / 100))::uuid
  from generate_series(1, mentors) as n
  where mentor.id = bench.mentor_id(n);

  insert into public.staff (user_id, organisation_id, role)
  values
    (md5('coordinator')::uuid, md5('organisation 1')::uuid, 'coordinator'),
    (md5('admin')::uuid, md5('organisation 1')::uuid, 'admin');
  insert into public.chapter_coordinators values (md5('coordinator')::uuid, md5('chapter 1 1')::uuid);
  insert into public.coordinator_assignments (coordinator_id, peer_mentor_id)
  select md5('coordinator')::uuid, mentor.id
  from public.peer_mentors as mentor
  where mentor.organisation_id = md5('organisation 1')::uuid and mentor.chapter_id <> md5('chapter 1 1')::uuid
  order by mentor.id
  limit 200 - (select count(*) from public.peer_mentors as by_chapter where by_chapter.chapter_id = md5('chapter 1 1')::uuid);
end;
$$;

create procedure bench.add_ledger(runs integer, mentors integer, organisations integer)
language plpgsql
as $$
begin
  set local session_replication_role = replica;

  -- Four of five were of one organisation alone, mostly others'.
  insert into scheduler.invocations (id, job_name, status, triggered_by, organisation_ids, requested_at, started_at, finished_at, as_of)
  select
    md5('run ' || n)::uuid,
    case when n % 96 = 0 then 'scenario-evaluation' else 'dispatch-backlog' end,
    case when n % 1000 = 0 then 'failed' else 'completed' end,
    'pg_cron',
    case when n % 5 > 0 then array[md5('organisation ' || n % organisations)::uuid] end,
    began, began, began + interval '2 seconds', began
  from (
    select n, timestamptz '2026-11-20 06:00+00' - n * interval '15 minutes' as began from generate_series(1, runs) as n
  ) as run;

  insert into scheduler.invocation_shares (invocation_id, organisation_id, total_active_mentors, total_evaluated, total_candidates, suppressed)
  select run.id, md5('organisation ' || o)::uuid, 4500, 4500, 40, '{"inactivity": {"cooldown": 20, "no_device": 3}}'
  from scheduler.invocations as run
  cross join generate_series(0, organisations - 1) as o
  where run.job_name = 'scenario-evaluation' and run.organisation_ids is null;

  -- Five pushes a mentor, each sent once.
  insert into scheduler.notifications (
    user_id, organisation_id, scenario_type, occurrence_key, evaluation_date, status, deliver_after, expires_at, title, body,
    invocation_id, sent_at
  )
  select
    bench.mentor_id(n), md5('organisation ' || n % organisations)::uuid, 'inactivity', 'inactivity:' || day || ':' || ordinal, day,
    'sent', day, day + 3, 'title', 'body', md5('run ' || (ordinal * 20 + n % 20) * 96)::uuid, day
  from generate_series(1, mentors) as n
  cross join generate_series(1, 5) as ordinal
  cross join lateral (select date '2026-11-10' - ordinal * 40 - n % 20 as day) as sent;
  insert into scheduler.push_attempts (notification_id, attempt, token_hash, outcome, invocation_id, attempted_at)
  select pushed.id, 1, '\x00', 'sent', pushed.invocation_id, pushed.deliver_after
  from scheduler.notifications as pushed
  where pushed.evaluation_date > date '2026-08-20';
end;
$$;
