begin;
select plan(10);

select tests.mentor() as mentor \gset
select tests.mentor() as followed \gset
select tests.mentor() as out_of_reach \gset
select tests.active_on(:'mentor', '2026-01-01'), tests.active_on(:'followed', '2026-01-02'), tests.active_on(:'out_of_reach', '2026-01-03');
select tests.staff('coordinator', id => :'mentor');
select tests.assigned(:'mentor', :'followed');
select tests.assigned(tests.staff(), :'mentor', :'out_of_reach');

select is(tests.reach(:'mentor'), array[:'followed']::uuid[], 'a coordinator who is a mentor herself follows up others, not herself');
select tests.as_caller(:'mentor');
select set_eq('select id from public.peer_mentors', tests.sorted(:'mentor', :'followed'), 'on the roster she sees herself and those');
select set_eq('select user_id from public.activities', tests.sorted(:'mentor', :'followed'), 'and what they did');
select set_eq('select user_id from public.coordinator_mentor_status()', array[:'followed'::uuid], 'her list has the others only');
select set_eq('select peer_mentor_id from public.coordinator_assignments', tests.sorted(:'mentor', :'followed'), 'she sees who follows her up, and whom she does');
select results_eq('select user_id from public.device_tokens', array[:'mentor'::uuid], 'devices are her own only');
reset role;

select tests.placed(tests.chapter(:'mentor'), :'mentor');
select is(tests.reach(:'mentor'), tests.sorted(:'mentor', :'followed'), 'who coordinates the chapter of which she is follows herself up too');
delete from public.coordinator_assignments where coordinator_id = :'mentor';
select tests.placed(null, :'mentor');
select is(tests.reach(:'mentor'), '{}', 'who follows up nobody reaches nobody');
select tests.as_caller(:'mentor');
select results_eq('select id from public.peer_mentors', array[:'mentor'::uuid], 'and sees herself');
select is_empty('select * from public.coordinator_mentor_status()', 'in an empty list');
reset role;

select * from finish();
rollback;
