create or replace function scheduler.status_of_state()
returns setof scheduler.component_status
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  sources bigint;
  drift bigint;
  checked_at timestamptz;
begin
  -- Comparing reads all of the history: at once where it is short, else at night.
  select coalesce(sum(greatest(relation.reltuples, 0)), 0) into sources
  from scheduler.tracked_sources as tracked
  join pg_catalog.pg_class as relation on relation.oid = tracked.source;
  if sources < 200000 then
    checked_at := now();
    drift := scheduler.count_state_drift();
  else
    select run.finished_at, (run.details ->> 'state_drift')::bigint into checked_at, drift
    from scheduler.invocations as run
    where run.job_name = 'housekeeping' and run.status = 'completed' and run.details ? 'state_drift'
    order by run.requested_at desc
    limit 1;
  end if;
  return query
  select
    'mentor state',
    case when drift = 0 then 'ok' else 'warn' end,
    case
      when drift is null then 'not compared with the sources yet: select scheduler.count_state_drift();'
      when drift = 0 then format('as the sources say, at %s', checked_at::timestamptz(0))
      else format('%s mentors differ from the sources, at %s: select * from scheduler.verify_mentor_state(); then select scheduler.rebuild_mentor_state();', drift, checked_at::timestamptz(0))
    end;
end;
$$;

comment on function scheduler.status_of_state() is
  'For scheduler_status(): whether mentor_state is what the sources say, now or as housekeeping last saw it.';
