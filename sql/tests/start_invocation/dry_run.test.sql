begin;
select plan(10);

select tests.organisation() as small \gset
select tests.organisation() as paused \gset
insert into scheduler.organisation_settings (organisation_id, paused) values (:'paused', true);
select tests.mentor() from generate_series(1, 4);
select tests.mentor(organisation_id => :'small') from generate_series(1, 2);
select tests.mentor(organisation_id => :'paused');
select tests.mentor() as gone \gset
update public.peer_mentors set status = 'paused' where id = :'gone';

create function pg_temp.evaluated(scenarios text[] default null, organisations uuid[] default null) returns text language plpgsql as $$
declare
  run uuid;
begin
  select id into run
  from public.start_invocation(
    job_name => 'scenario-evaluation', scenarios => evaluated.scenarios, organisation_ids => organisations, dry_run => true
  );
  return (select total_evaluated || ' of ' || total_active_mentors from public.invocation_summary(run));
end;
$$;
select is(pg_temp.evaluated(), '6 of 7', 'a dry run counts whom it looks at, each once');
select is(pg_temp.evaluated(array['expiry']), '6 of 7', 'for one scenario as for three');
select is(pg_temp.evaluated(organisations => array[:'small']::uuid[]), '2 of 7', 'narrowed to an organisation, only its mentors');
select is(pg_temp.evaluated(organisations => array[:'paused']::uuid[]), '0 of 7', 'nobody in an organisation that is paused');
create function pg_temp.suppressed(job text) returns integer language plpgsql as $$
declare
  run uuid;
begin
  select id into run from public.start_invocation(job_name => job, dry_run => true);
  return (select total_suppressed from public.invocation_summary(run));
end;
$$;
update public.device_tokens set disabled_at = now() where user_id in (select id from public.peer_mentors where organisation_id = :'small');
select is(pg_temp.suppressed('scenario-evaluation'), 2, 'it counts what it would hold back');
select is(pg_temp.suppressed('dispatch-backlog'), 0, 'a job that evaluates nothing holds nothing back');
update scheduler.scenario_config set enabled = false;
select is(pg_temp.evaluated(), '0 of 7', 'and nobody where every scenario is switched off');
select is((select bool_and(dry_run) from scheduler.invocations), true, 'the ledger says that it is a dry run');
select is((select count(*) from scheduler.notifications), 0::bigint, 'the outbox is empty');
select is_empty('select * from scheduler.scenario_cooldowns', 'and no window is open');

select * from finish();
rollback;
