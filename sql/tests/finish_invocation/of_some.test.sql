-- A run for some organisations is judged by what is left of these: it tells nothing of others.

begin;
select plan(16);

update scheduler.organisation_settings set quiet_start = null, quiet_end = null;
select tests.organisation() as own \gset
select tests.organisation() as second \gset
select tests.organisation() as theirs \gset
select tests.waiting(tests.mentor(organisation_id => :'theirs')) from generate_series(1, 3);

-- A run of these organisations ends: how, and with how much left.
create function pg_temp.ended(organisations uuid[], said text, stopped boolean default false, dry_run boolean default false) returns text language plpgsql as $$
declare
  run uuid;
  summary record;
begin
  select id into run from public.start_invocation(
    job_name => 'scenario-evaluation', organisation_ids => organisations, dry_run => ended.dry_run, scenarios => '{expiry}'
  );
  update scheduler.invocations set stop_requested_at = now() where id = run and stopped;
  select * into summary from public.finish_invocation(invocation_id => run, status => said);
  return concat_ws(
    ' ', summary.status, summary.remaining_unprocessed_count,
    (select status_reason from scheduler.invocations where id = run)
  );
end;
$$;

select is(pg_temp.ended(array[:'own']::uuid[], 'partial'), 'completed 0', 'one that ran out of time when only others had something left is complete');
select is(pg_temp.ended(array[:'own']::uuid[], 'completed', stopped => true), 'completed 0', 'so is one that was stopped');
select is(pg_temp.ended(array[:'own']::uuid[], 'failed'), 'failed 0', 'one that failed tells nothing of them');
select is(pg_temp.ended(array[:'own']::uuid[], 'completed', dry_run => true), 'completed 0', 'nor does a dry run');
select is(pg_temp.ended(array[:'theirs']::uuid[], 'partial'), 'partial 3', 'theirs is not');
select is(pg_temp.ended(null, 'partial'), 'partial 3', 'nor is one of everybody');
select is(pg_temp.ended('{}', 'partial'), 'completed 0', 'one of nobody has nothing left');

-- Something of the own organisation.
select tests.waiting(tests.mentor(organisation_id => :'own')) as mine \gset
select is(pg_temp.ended(array[:'own']::uuid[], 'partial'), 'partial 1', 'what is left of one''s own counts');
select is(pg_temp.ended(array[:'own']::uuid[], 'completed', stopped => true), 'partial 1 stopped', 'a run that was stopped before it has been stopped');
select is(pg_temp.ended(array[:'own']::uuid[], 'failed'), 'failed 1', 'a run that failed has it left');
select is(pg_temp.ended(array[:'own', :'second']::uuid[], 'partial'), 'partial 1', 'with another organisation that has nothing too');
select is(pg_temp.ended(array[:'own', :'theirs']::uuid[], 'partial'), 'partial 4', 'of several all counts');
select is(pg_temp.ended(null, 'partial'), 'partial 4', 'of everybody everything');

-- What is not due.
update scheduler.notifications set status = 'sent' where id = :mine;
select tests.waiting(tests.mentor(organisation_id => :'own'), due_for => '-1 hour');
select is(pg_temp.ended(array[:'own']::uuid[], 'partial'), 'completed 0', 'what waits for its time is not left');

-- Who asks for it.
select tests.staff('admin', :'own') as admin \gset
select tests.as_caller(:'admin');
select is((select count(*) from public.list_invocations() where status = 'partial' and not all_organisations and status_reason is null), 3::bigint, 'staff see what is left of their own, and that theirs are complete');
select is((select count(*) from public.list_invocations() where status_reason = 'stopped'), 1::bigint, 'and which was stopped');
reset role;

select * from finish();
rollback;
