-- What a run took over stands in its row of the ledger, page after page.

begin;
select plan(10);
select tests.mentor() as mentor \gset
select gen_random_uuid() as run \gset
insert into scheduler.invocations (id, job_name, status, started_at, heartbeat_at) values (:'run', 'hlf-sync', 'running', now(), now());
insert into scheduler.invocations (id, job_name, status) values (gen_random_uuid(), 'hlf-sync', 'completed');
create function pg_temp.details() returns jsonb language sql as $$ select details from scheduler.invocations where status = 'running' $$;

select tests.page(jsonb_build_array(tests.portal_row('C1', :'mentor'), tests.portal_row('C2', :'mentor', 'never'), tests.portal_row('C3', null)), 'two', :'run');
select is(
  pg_temp.details(), '{"portal": "hlf", "pages": 1, "received": 3, "applied": 1, "revoked": 0, "rejected": {"malformed_date": 1, "no_member": 1}, "completed": false}',
  'the first page''s figures'
);
select tests.page(jsonb_build_array(tests.portal_row('C4', :'mentor'), tests.portal_row('C5', :'mentor', 'never')), 'three', :'run');
select is(
  pg_temp.details(), '{"portal": "hlf", "pages": 2, "received": 5, "applied": 2, "revoked": 0, "rejected": {"malformed_date": 2, "no_member": 1}, "completed": false}',
  'the next are added'
);
select throws_ok(
  format('select public.apply_portal_page(source => ''hlf'', started_at => now(), page => 0, certifications => ''[]'', invocation_id => %L)', :'run'), '55000', null, 'a page that is refused'
);
select is(pg_temp.details() ->> 'pages', '2', 'is none');
select tests.page('[]', null, :'run');
select is(
  pg_temp.details(), '{"portal": "hlf", "pages": 3, "received": 5, "applied": 2, "revoked": 0, "rejected": {"malformed_date": 2, "no_member": 1}, "completed": true}',
  'to the last, which says that it was'
);
select tests.week_passed();
select tests.page(jsonb_build_array(tests.portal_row('C1', :'mentor')), null, :'run');
select is(pg_temp.details() ->> 'revoked', '1', 'what a round for everything misses is revoked, and counted');
select is((select details from scheduler.invocations where status = 'completed'), null, 'another run''s row is not touched');
select lives_ok($$ select tests.page('[]', null, gen_random_uuid()) $$, 'a run that the ledger does not know does no harm');
select lives_ok($$ select tests.page('[]') $$, 'nor does none');

-- Its end says more.
select public.finish_invocation(invocation_id => :'run', status => 'completed', pages_processed => 4, details => '{"note": "said by the function"}');
select is(
  (select details - 'rejected' from scheduler.invocations where id = :'run'),
  '{"portal": "hlf", "pages": 4, "received": 6, "applied": 2, "revoked": 1, "completed": true, "note": "said by the function"}', 'at its end what the function says is added'
);

select * from finish();
rollback;
