begin;
select plan(18);

select tests.staff('admin') as admin \gset
select tests.mentor(joined_on => tests.today() - 40) as mentor \gset
select array_agg(tests.mentor()) as thousand from generate_series(1, 999) \gset

select tests.as_caller(:'admin');
select throws_ok('select public.evaluate_mentors(user_ids => ''{}'')', '22023', 'user_ids must be 1 to 1000 ids, not 0', 'an empty list is refused');
select throws_ok('select public.evaluate_mentors(user_ids => null)', '22023', 'user_ids must be 1 to 1000 ids, not null', 'so is none');
select lives_ok(
  format('select public.evaluate_mentors(user_ids => %L::uuid[] || %L::uuid)', :'thousand', :'mentor'), 'a thousand can be asked about'
);
select throws_ok(
  format('select public.evaluate_mentors(user_ids => %L::uuid[] || array[%L, %L]::uuid[])', :'thousand', :'mentor', :'mentor'), '22023',
  'user_ids must be 1 to 1000 ids, not 1001', 'one more is refused, though somebody is in it twice'
);
select is(tests.column_of('select public.evaluate_mentors(user_ids => ''{}'')'), 'user_ids', 'by its argument');
select isnt(tests.hint_of('select public.evaluate_mentors(user_ids => ''{}'')'), '', 'with what to do');
select throws_ok('select public.evaluate_mentors(user_ids => ''{not-an-id}'')', '22P02', null, 'an id is a UUID');

select throws_ok(
  format('select public.evaluate_mentors(user_ids => array[%L]::uuid[], scenarios => ''{birthday}'')', :'mentor'), '22023', 'unknown scenario ''birthday''', 'an unknown scenario is refused and named'
);
select is(tests.column_of(format('select public.evaluate_mentors(user_ids => array[%L]::uuid[], scenarios => ''{birthday}'')', :'mentor')), 'scenarios', 'by its argument');
select throws_ok(
  format('select public.evaluate_mentors(user_ids => array[%L]::uuid[], dry_run => null)', :'mentor'), '22004', 'dry_run must be true or false, not null', 'dry_run must be said'
);
select is(tests.column_of(format('select public.evaluate_mentors(user_ids => array[%L]::uuid[], dry_run => null)', :'mentor')), 'dry_run', 'by its argument');
reset role;
select is((select count(*) from scheduler.invocations), 0::bigint, 'nothing refused is in the ledger');
select is((select count(*) from scheduler.notifications), 0::bigint, 'or in the outbox');

-- A paused organisation, as in every evaluation.
select scheduler.pause(organisation_id => 'aaaaaaaa-0000-4000-8000-000000000000');
select tests.as_caller(:'admin');
select is((select candidates from public.evaluate_mentors(user_ids => array[:'mentor']::uuid[])), '[]', 'nobody of a paused organisation would get a push');
select lives_ok(format('select public.evaluate_mentors(user_ids => array[%L]::uuid[], dry_run => false)', :'mentor'), 'nor gets one');
reset role;
select is((select count(*) from scheduler.notifications), 0::bigint, 'none is written');
select scheduler.resume(organisation_id => 'aaaaaaaa-0000-4000-8000-000000000000');
select tests.as_caller(:'admin');
select is((select jsonb_array_length(candidates) from public.evaluate_mentors(user_ids => array[:'mentor']::uuid[], dry_run => false)), 1, 'when it goes on she does');
reset role;
select is((select count(*) from scheduler.notifications), 1::bigint, 'once');

select * from finish();
rollback;
