begin;
select plan(16);

select tests.organisation() as known \gset
select tests.mentor(organisation_id => 'bbbbbbbb-0000-4000-8000-000000000000');

select throws_ok(
  $$ select * from public.start_invocation(job_name => 'scenario-evaluation', scenarios => array['expiry', 'birthday']) $$,
  '22023', 'unknown scenario ''birthday''', 'an unknown scenario is refused and named'
);
select is(
  tests.hint_of($$ select * from public.start_invocation(job_name => 'scenario-evaluation', scenarios => array['birthday']) $$),
  'Known scenarios: expiry, inactivity, milestone.', 'the hint lists those that are known'
);
select throws_ok(
  $$ select * from public.start_invocation(job_name => 'scenario-evaluation', scenarios => array[null]) $$, '22023', null, 'a scenario of null is refused'
);
select throws_ok(
  format(
    $$ select * from public.start_invocation(job_name => 'scenario-evaluation', organisation_ids => array[%L, gen_random_uuid()]::uuid[]) $$, :'known'
  ),
  '22023', 'organisation_ids[1] is no organisation', 'an unknown organisation is refused, with its position in the list'
);
select throws_ok(
  $$ select * from public.start_invocation(job_name => 'scenario-evaluation', organisation_ids => array[gen_random_uuid()]) $$,
  '22023', 'organisation_ids[0] is no organisation', 'positions are counted from 0, as in the JSON of a request'
);
select throws_ok(
  format(
    $$ select * from public.start_invocation(job_name => 'scenario-evaluation', organisation_ids => array[%L, null]::uuid[]) $$, :'known'
  ),
  '22023', 'organisation_ids[1] is no organisation', 'an organisation of null is refused'
);
select alike(
  tests.hint_of($$ select * from public.start_invocation(job_name => 'scenario-evaluation', organisation_ids => array[gen_random_uuid()]) $$),
  '%scheduler.organisation%', 'the hint says where organisations are found'
);
select throws_ok(
  $$ select * from public.start_invocation(job_name => 'scenario-evaluation', dry_run => null) $$, '22004', null, 'dry_run of null is refused'
);
select throws_ok(
  $$ select * from public.start_invocation(job_name => null) $$, null, null, 'a run without a job is refused'
);
select is_empty('select * from scheduler.invocations', 'what is refused leaves nothing in the ledger');

create function pg_temp.end_run() returns void language sql as $$
  select public.finish_invocation(invocation_id => id, status => 'completed') from scheduler.invocations where status = 'running';
$$;
select is(
  (select started from public.start_invocation(job_name => 'scenario-evaluation', organisation_ids => array[:'known']::uuid[])), true,
  'an organisation without mentors is one'
);
delete from public.organisations where id = :'known';
select throws_ok(
  format($$ select * from public.start_invocation(job_name => 'scenario-evaluation', organisation_ids => array[%L]::uuid[]) $$, :'known'),
  '22023', null, 'until it is gone'
);
select pg_temp.end_run();
select is(
  (select started from public.start_invocation(
    job_name => 'scenario-evaluation', organisation_ids => '{bbbbbbbb-0000-4000-8000-000000000000}'
  )), true, 'so is one that mentors belong to'
);
select pg_temp.end_run();
select is(
  (select started from public.start_invocation(job_name => 'scenario-evaluation', scenarios => null, organisation_ids => null)), true,
  'null is the same as leaving it out'
);
select pg_temp.end_run();
select is(
  (select started from public.start_invocation(job_name => 'scenario-evaluation', scenarios => '{}', organisation_ids => '{}')), true,
  'an empty list is no error'
);
select is((select count(*) from scheduler.invocations), 4::bigint, 'and each of these runs is in the ledger');

select * from finish();
rollback;
