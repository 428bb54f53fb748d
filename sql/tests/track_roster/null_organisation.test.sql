begin;
select plan(5);

create table public.volunteers (volunteer uuid primary key, region uuid, since date, status text);
insert into public.volunteers values
  ('11111111-0000-4000-8000-000000000000', null, '2026-01-01', 'active'),
  ('22222222-0000-4000-8000-000000000000', 'aaaaaaaa-0000-4000-8000-000000000000', '2026-01-01', 'active');
insert into public.device_tokens (token, user_id) select volunteer::text, volunteer from public.volunteers;
select scheduler.track_roster('public.volunteers', 'volunteer', 'region', 'since');

select is((select sum(active_mentors)::integer from scheduler.organisation_state), 2, 'a mentor without an organisation is active too');
select is(
  tests.foreseen('11111111-0000-4000-8000-000000000000', tests.noon('2026-03-01')), 'inactivity:2026-01-01:1', 'and is evaluated'
);
update public.volunteers set region = 'aaaaaaaa-0000-4000-8000-000000000000' where region is null;
select is(
  (select max(active_mentors) from scheduler.organisation_state), 2, 'and counted in an organisation on joining one'
);
update public.volunteers set region = null;
select is(
  (select active_mentors from scheduler.organisation_state where organisation_id = 'aaaaaaaa-0000-4000-8000-000000000000'), 0, 'and not after leaving it'
);
select is_empty('select * from scheduler.verify_mentor_state()', 'all is as the sources say');

select * from finish();
rollback;
