-- Somebody may be staff of two organisations, in different roles.

begin;
select plan(9);

select tests.organisation() as north \gset
select tests.organisation() as south \gset
select tests.staff('admin', :'north') as both \gset
select tests.staff('coordinator', :'south', id => :'both');
select tests.mentor(organisation_id => :'north') as northern \gset
select tests.mentor(organisation_id => :'south') as southern \gset
select tests.mentor(organisation_id => :'south') as other_southern \gset
select tests.assigned(:'both', :'southern');

select is(tests.reach(:'both'), tests.sorted(:'northern', :'southern'), 'she reaches everybody where she is admin, and where she is coordinator those whom she follows up');
select is(tests.reach(:'both', 'admin'), array[:'northern']::uuid[], 'an admin of one is no admin of the other');
select is(tests.reach(:'both', 'coordinator'), array[:'southern']::uuid[], 'each role reaches its own');

select tests.as_caller(:'both');
select is((select count(*) from public.organisations), 2::bigint, 'she sees both organisations');
select is((select count(*) from public.staff), 2::bigint, 'her role in each');
select set_eq('select user_id from public.coordinator_mentor_status()', tests.sorted(:'northern', :'southern'), 'and the mentors of both in one list');
reset role;

update public.staff set role = 'coordinator' where user_id = :'both';
select is(tests.reach(:'both'), array[:'southern']::uuid[], 'as coordinator of both she reaches only those whom she follows up');
select tests.assigned(:'both', :'northern');
select is(tests.reach(:'both'), tests.sorted(:'northern', :'southern'), 'in both');
delete from public.staff where user_id = :'both' and organisation_id = :'south';
select is(tests.reach(:'both'), array[:'northern']::uuid[], 'who leaves one keeps the other');

select * from finish();
rollback;
