begin;
select plan(14);
select tests.mentor() as first \gset
select tests.mentor() as second \gset
select tests.mentor() as away \gset
select tests.mentor() as untouched \gset
select tests.given('paused', :'away');
delete from public.mentor_status_history;
delete from scheduler.certification_checks;
-- As the job calls it, which writes the history itself.
select set_config('scheduler.status_is_noted', 'yes', true);

select set_eq(
  format('select unnest(scheduler.set_mentor_status(array[%L, %L, %L, %L]::uuid[], ''active'', ''paused''))', :'first', :'second', :'away', gen_random_uuid()),
  tests.sorted(:'first', :'second'), 'who has the expected status gets the other, and is returned'
);
select is((select count(*) from public.peer_mentors where status = 'paused'), 3::bigint, 'on the roster');
select is((select status from public.peer_mentors where id = :'untouched'), 'active', 'and nobody who is not named');
select is_empty('select * from public.mentor_status_history', 'the history is left to who calls');
select is_empty('select * from scheduler.certification_checks', 'who need not look again');
select is(array(select user_id from scheduler.mentor_state where active), array[:'untouched'::uuid], 'the engine knows of it');
select is(scheduler.set_mentor_status(array[:'first', :'second']::uuid[], 'active', 'paused'), '{}', 'who has it already is not returned');
select is(scheduler.set_mentor_status(array[:'first', :'first']::uuid[], 'paused', 'active'), array[:'first'::uuid], 'who is named twice is returned once');
select is(scheduler.set_mentor_status('{}', 'active', 'paused'), '{}', 'of nobody it is nobody');
select is(scheduler.set_mentor_status(null, 'active', 'paused'), '{}', 'null is nobody');

-- Of others' changes the trigger writes.
select set_config('scheduler.status_is_noted', '', true);
select tests.given('inactive', :'first');
select is(tests.history(:'first'), 'active to inactive by postgres', 'what comes after it in the same transaction has a line in the history');
select is(array(select user_id from scheduler.certification_checks), array[:'first'::uuid], 'and is looked at');

-- What goes wrong in it is not left on.
select throws_ok(format('select scheduler.set_mentor_status(array[%L]::uuid[], ''active'', ''retired'')', :'untouched'), '23514', null, 'a status that there is not can''t be given');
select tests.given('paused', :'untouched');
select is(tests.history(:'untouched'), 'active to paused by postgres', 'after an error, too, changes have their lines');

select * from finish();
rollback;
