begin;
select plan(8);
select tests.organisation('Pacific/Kiritimati') as ahead \gset
select tests.organisation('Norway/Atlantis') as nowhere \gset
select tests.mentor(id => 'dddddddd-0000-4000-8000-000000000001') as first \gset
select tests.mentor(id => 'dddddddd-0000-4000-8000-000000000002', organisation_id => :'ahead') as second \gset
select tests.mentor(id => 'dddddddd-0000-4000-8000-000000000003', organisation_id => :'nowhere', timezone => 'Asia/Kolkata') as third \gset
create function pg_temp.found(variadic members text[]) returns text language sql as $$
  select string_agg(concat_ws(' ', right(member_id, 1), right(user_id::text, 1), timezone), ', ' order by member_id) from scheduler.find_portal_members(members);
$$;

select is(pg_temp.found(:'first'), '1 1 Europe/Oslo', 'a member is found, with the zone of her organisation');
select is(
  pg_temp.found(:'first', :'second', :'third'), '1 1 Europe/Oslo, 2 2 Pacific/Kiritimati, 3 3 Europe/Oslo',
  'each with that of her own; where it is none Oslo stands in, and not where she lives'
);
select is(pg_temp.found(gen_random_uuid()::text, '', 'nobody', null), null, 'who is not on the roster is not found');
select is(pg_temp.found(:'first', :'first'), '1 1 Europe/Oslo', 'who is named twice is found once');
select tests.given('inactive', :'first');
select is(pg_temp.found(:'first'), '1 1 Europe/Oslo', 'whatever her status');
select is_empty($$ select * from scheduler.find_portal_members('{}') $$, 'of nobody there is nobody');

-- Ids of a portal's own.
create or replace view scheduler.portal_member as
select member_id, user_id
from (
  values ('M1', 'dddddddd-0000-4000-8000-000000000002'::uuid), ('M1', 'dddddddd-0000-4000-8000-000000000001'),
    ('M9', 'dddddddd-0000-4000-8000-000000000009')
) as mapped (member_id, user_id);
select is(pg_temp.found('M1'), '1 1 Europe/Oslo', 'a member who stands for two mentors is one of them, always the same');
select is(pg_temp.found('M9'), null, 'one who stands for nobody on the roster is not known');

select * from finish();
rollback;
