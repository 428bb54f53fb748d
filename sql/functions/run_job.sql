create or replace function scheduler.run_job(
  job_name text,
  scheduled_for timestamptz default null,
  triggered_by text default 'operator'
)
returns uuid
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  job scheduler.jobs;
  run record;
  result jsonb;
begin
  select known.* into job from scheduler.jobs as known where known.job_name = run_job.job_name;
  if not found or job.kind = 'edge' then
    return scheduler.invoke_edge(
      job_name => run_job.job_name, scheduled_for => run_job.scheduled_for, triggered_by => run_job.triggered_by
    );
  end if;

  select opened.* into run
  from scheduler.open_invocation(
    job_name => job.job_name, kind => job.kind, triggered_by => run_job.triggered_by, scheduled_for => run_job.scheduled_for
  ) as opened;
  if run.opened then
    -- What goes wrong in a job undoes the job, and not its row in the ledger.
    begin
      if to_regproc(job.target) is null then
        raise exception 'there is no function %', job.target using errcode = 'undefined_function';
      end if;
      execute format(
        case (select target.proretset from pg_catalog.pg_proc as target where target.oid = to_regproc(job.target))
          when true then $counts$
            select coalesce(jsonb_object_agg(by_reason.reason, by_reason.rows), '{}')
            from (
              select coalesce(to_jsonb(result) ->> 'reason', 'rows') as reason, count(*) as rows from %s() as result group by 1
            ) as by_reason
          $counts$
          else 'select to_jsonb(result) from %s() as result'
        end,
        to_regproc(job.target)
      ) into result;
      update scheduler.invocations as completed
      set status = 'completed', finished_at = clock_timestamp(), details = result
      where completed.id = run.id;
    exception
      -- Others are not cancellations: a statement_timeout must leave its row too, or it comes again every minute.
      when query_canceled or others then
        update scheduler.invocations as failed
        set
          status = 'failed',
          finished_at = clock_timestamp(),
          error_type = 'database_error',
          error_message = format('the database answered %s in %s; its log says more', sqlstate, job.target)
        where failed.id = run.id;
        raise warning 'job % failed: %', job.job_name, sqlerrm;
    end;
  end if;
  return run.id;
end;
$$;

comment on function scheduler.run_job(text, timestamptz, text) is
  'Runs a job now: an SQL job in this transaction, an edge job by asking the function. Returns its row in the ledger.';
