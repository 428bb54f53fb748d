-- What staff may not start just now is not started with a list of mentors either; looking goes on.

begin;
select plan(18);

select tests.staff() as coordinator \gset
select tests.mentor(joined_on => tests.today() - 40) as mentor \gset
select tests.assigned(:'coordinator', :'mentor');

create function pg_temp.evaluated(caller uuid, mentor uuid, dry_run boolean) returns integer language plpgsql as $$
declare
  candidates integer;
begin
  perform tests.as_caller(caller);
  candidates := (
    select jsonb_array_length(evaluation.candidates)
    from public.evaluate_mentors(user_ids => array[mentor], dry_run => evaluated.dry_run) as evaluation
  );
  reset role;
  return candidates;
end;
$$;
create function pg_temp.only_looks(caller uuid, mentor uuid, errcode text, message text, hint text, looked_at integer, rule text) returns setof text language plpgsql as $$
declare
  statement constant text := format('select pg_temp.evaluated(%L, %L, false)', caller, mentor);
begin
  return next throws_ok(statement, errcode, message, rule);
  return next is(tests.hint_of(statement), hint, 'with what to do');
  return next is(pg_temp.evaluated(caller, mentor, true), looked_at, 'who would get a push can be looked at still');
end;
$$;
create temporary table before on commit drop as select * from tests.engine_contents() where relation not in ('scheduler.jobs', 'scheduler.pauses', 'scheduler.organisation_settings');

select scheduler.pause(job_name => 'scenario-evaluation');
select pg_temp.only_looks(
  :'coordinator', :'mentor', '55000', 'the job scenario-evaluation is paused', 'Ask whoever operates the scheduler.', 1, 'while evaluations are paused nobody is evaluated'
);
select scheduler.resume(job_name => 'scenario-evaluation');
select scheduler.pause();
select pg_temp.only_looks(
  :'coordinator', :'mentor', '55000', 'the job scenario-evaluation is paused', 'Ask whoever operates the scheduler.', 0, 'nor while everything is, when nobody would get one'
);
select scheduler.resume();
update scheduler.jobs set enabled = false where job_name = 'scenario-evaluation';
select pg_temp.only_looks(
  :'coordinator', :'mentor', '55000', 'the job scenario-evaluation is switched off', 'Ask whoever operates the scheduler.', 1, 'nor while they are switched off'
);
update scheduler.jobs set enabled = true, staff_may_start = false where job_name = 'scenario-evaluation';
select pg_temp.only_looks(
  :'coordinator', :'mentor', '22023', 'there is no job that staff may start with the name ''scenario-evaluation''', 'Give one of: dispatch-backlog.', 1,
  'nor where that is not for staff'
);
update scheduler.jobs set staff_may_start = true where job_name = 'scenario-evaluation';
select results_eq(
  $$ select * from tests.engine_contents() where relation not in ('scheduler.jobs', 'scheduler.pauses', 'scheduler.organisation_settings') $$, 'select * from before', 'nothing was written'
);

-- Who asks is looked at first.
select scheduler.pause();
select throws_ok(format('select pg_temp.evaluated(%L, %L, false)', :'mentor', :'mentor'), '42501', 'this is for staff', 'a mentor is not told that it is paused');
select scheduler.resume();

-- What is none of it.
select scheduler.pause(job_name => 'dispatch-backlog');
select is(pg_temp.evaluated(:'coordinator', :'mentor', false), 1, 'another job''s pause is none, and what is over too');
select scheduler.resume(job_name => 'dispatch-backlog');
select tests.run(status => 'running');
select is(pg_temp.evaluated(:'coordinator', :'mentor', false), 0, 'nor does a run that is on stand in the way');
select is((select count(*) from scheduler.invocations where triggered_by = 'api'), 2::bigint, 'each is a run in the ledger');
select is((select count(*) from scheduler.notifications), 1::bigint, 'and she has one push');
select * from finish();
rollback;
