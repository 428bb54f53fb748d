-- The world of the demo: three organisations, each with a coordinator and an admin,
-- and 500 mentors around today, the same at every run. No names of people: the
-- engine never needs one.

insert into public.organisations (id, name, timezone, locale)
values
  (md5('organisation 0')::uuid, 'Likepersonene i nord', 'Europe/Oslo', 'nb'),
  (md5('organisation 1')::uuid, 'Likepersonane i vest', 'Europe/Oslo', 'nn'),
  (md5('organisation 2')::uuid, 'Likepersonene i byen', 'Europe/Oslo', 'nb');

insert into public.chapters (id, organisation_id, name)
select
  md5(format('chapter %s %s', organisation, number))::uuid, md5('organisation ' || organisation)::uuid, 'Lokallag ' || number
from generate_series(0, 2) as organisation
cross join generate_series(1, 4) as number;

insert into public.peer_mentors (id, organisation_id, chapter_id, status, joined_on, locale)
select
  md5('mentor ' || n)::uuid,
  md5('organisation ' || n % 3)::uuid,
  md5(format('chapter %s %s', n % 3, 1 + n % 4))::uuid,
  case when n % 17 = 0 then 'paused' when n % 23 = 0 then 'inactive' else 'active' end,
  current_date - 40 - n * 37 % 1500,
  case when n % 19 = 0 then 'en' when n % 11 = 0 then 'nn' end
from generate_series(1, 500) as n;

insert into public.staff (user_id, organisation_id, role)
select md5(format('%s %s', role, organisation))::uuid, md5('organisation ' || organisation)::uuid, role
from generate_series(0, 2) as organisation
cross join unnest(array['coordinator', 'admin']) as role;

-- A coordinator follows up one chapter, and some mentors directly, a few of them of that chapter.
insert into public.chapter_coordinators (coordinator_id, chapter_id)
select md5('coordinator ' || organisation)::uuid, md5(format('chapter %s 1', organisation))::uuid
from generate_series(0, 2) as organisation;

insert into public.coordinator_assignments (coordinator_id, peer_mentor_id)
select md5('coordinator ' || n % 3)::uuid, md5('mentor ' || n)::uuid
from generate_series(1, 500) as n
where n % 5 = 0;

insert into public.device_tokens (token, user_id, platform)
select
  'demo-token-' || n, md5('mentor ' || n)::uuid, (array['android', 'ios'])[1 + n % 2]
from generate_series(1, 500) as n
where n % 13 <> 0;

insert into public.notification_preferences (user_id, scenario_type, push_enabled)
select md5('mentor ' || n)::uuid, 'inactivity', false
from generate_series(1, 500) as n
where n % 21 = 0;

-- Most were active in the last weeks, some fell silent, a few never began.
insert into public.activities (user_id, activity_date, kind)
select
  md5('mentor ' || n)::uuid,
  current_date - case when n % 8 = 0 then 25 + n % 50 else n % 22 end - (ordinal * (3 + n % 9)),
  (array['conversation', 'meeting', 'visit', 'phone call'])[1 + (n + ordinal) % 4]
from generate_series(1, 500) as n
cross join generate_series(0, 60) as ordinal
where n % 29 <> 0 and ordinal < n * 31 % 61;

insert into public.certifications (user_id, name, expires_on)
select
  md5('mentor ' || n)::uuid, 'Grunnkurs', case when n % 10 <> 0 then current_date - 30 + n * 11 % 900 end
from generate_series(1, 500) as n
where n % 4 <> 0;

analyze;
