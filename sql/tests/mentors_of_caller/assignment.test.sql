begin;
select plan(9);

select tests.staff() as coordinator \gset
select tests.staff() as colleague \gset
select tests.mentor() as first \gset
select tests.mentor() as second \gset
select tests.mentor() as of_colleague \gset
select tests.mentor() as of_nobody \gset

select is(tests.reach(:'coordinator'), '{}', 'a coordinator to whom nobody is assigned reaches nobody');
select tests.assigned(:'coordinator', :'first', :'second');
select tests.assigned(:'colleague', :'of_colleague', :'second');

select is(tests.reach(:'coordinator'), tests.sorted(:'first', :'second'), 'a coordinator reaches the mentors who are assigned to her, and nobody else');
select is(tests.reach(:'colleague'), tests.sorted(:'of_colleague', :'second'), 'a mentor may be assigned to several coordinators, and is in the reach of each');
select is(tests.reach(:'of_colleague'), '{}', 'mentors reach nobody');
select is(tests.reach(gen_random_uuid()), '{}', 'nor does somebody of whom nothing is known');
select is(tests.reach(null), '{}', 'nor somebody who is not logged in');

update public.peer_mentors set status = 'inactive' where id = :'first';
update public.peer_mentors set status = 'paused' where id = :'second';
select is(tests.reach(:'coordinator'), tests.sorted(:'first', :'second'), 'whatever the status of the mentor');

delete from public.coordinator_assignments where coordinator_id = :'coordinator' and peer_mentor_id = :'second';
select is(tests.reach(:'coordinator'), array[:'first']::uuid[], 'an assignment that is taken away reaches no more');
delete from public.peer_mentors where id = :'first';
select is(tests.reach(:'coordinator'), '{}', 'nor does one of a mentor who left the roster');

select * from finish();
rollback;
