create or replace function scheduler.sweep_cron_history(older_than timestamptz, looked_at integer)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  last_looked_at bigint;
  swept bigint;
begin
  if to_regclass('cron.job_run_details') is null then
    return 0;
  end if;
  with looked as materialized (
    select
      detail.runid, detail.command, detail.database,
      -- One that could not start has no time: it is older than the one that follows.
      coalesce(detail.start_time, (
        select following.start_time
        from cron.job_run_details as following
        where following.runid > detail.runid and following.start_time is not null
        order by following.runid
        limit 1
      )) as start_time
    from cron.job_run_details as detail
    where detail.runid > (select rule.swept_to from scheduler.retention as rule where rule.kept = 'cron_history')
    order by detail.runid
    limit looked_at
  ),
  gone as (
    -- Other people's rows are theirs.
    delete from cron.job_run_details as detail
    where detail.runid in (
      select looked.runid
      from looked
      where looked.start_time < older_than
        and looked.command like 'select scheduler.tick(%'
        and looked.database = current_database()
    )
    returning detail.runid
  )
  select
    (select count(*) from gone),
    case when count(*) = looked_at and min(looked.start_time) < older_than then max(looked.runid) else 0 end
  into swept, last_looked_at
  from looked;
  update scheduler.retention as rule set swept_to = last_looked_at where rule.kept = 'cron_history';
  return swept;
end;
$$;

comment on function scheduler.sweep_cron_history(timestamptz, integer) is
  'Deletes old rows of this project''s own jobs from cron.job_run_details, looking at so many from where the last sweep stopped.';
