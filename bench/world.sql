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
