begin;
select plan(13);

select tests.organisation() as organisation \gset
select throws_ok($$ select scheduler.pause(job_name => 'birthday') $$, '22023', 'unknown job ''birthday''', 'an unknown job is refused and named');
select is(
  tests.hint_of($$ select scheduler.pause(job_name => 'birthday') $$),
  'Known jobs: certification-expiry, dispatch-backlog, hlf-sync, housekeeping, scenario-evaluation.', 'the hint lists those that are known'
);
select throws_ok($$ select scheduler.pause(job_name => '') $$, '22023', null, 'an empty name is not everything');
select throws_ok($$ select scheduler.pause(organisation_id => gen_random_uuid()) $$, '22023', null, 'an unknown organisation is refused');
select matches(tests.hint_of($$ select scheduler.pause(organisation_id => gen_random_uuid()) $$), 'scheduler\.organisation', 'with where to look');
select throws_ok(
  format($$ select scheduler.pause(job_name => 'scenario-evaluation', organisation_id => %L) $$, :'organisation'), '22023', null,
  'a job of an organisation can''t be paused'
);
select matches(
  tests.hint_of(format($$ select scheduler.pause(job_name => 'scenario-evaluation', organisation_id => %L) $$, :'organisation')), 'scenario_config',
  'but switched off'
);
select throws_ok($$ select scheduler.resume(job_name => 'birthday') $$, '22023', 'unknown job ''birthday''', 'an unknown job can''t be resumed');
select throws_ok($$ select scheduler.resume(organisation_id => gen_random_uuid()) $$, '22023', null, 'nor an unknown organisation');
select is_empty('select * from scheduler.pauses', 'nothing was paused');
select is_empty('select * from scheduler.organisation_settings where paused', 'in no way');
select is((select count(*) from cron.job where active), 4::bigint, 'and every entry is active');
select throws_ok(
  $$ insert into scheduler.pauses (job_name, organisation_id, paused_by) values ('hlf-sync', gen_random_uuid(), 'me') $$, '23514', null,
  'by hand neither'
);

select * from finish();
rollback;
