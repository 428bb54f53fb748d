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
