create or replace function scheduler.invoke_edge(
  job_name text,
  scenarios text[] default null,
  organisation_ids uuid[] default null,
  dry_run boolean default false,
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
begin
  perform scheduler.check_evaluation_arguments(scenarios => scenarios, as_of => now(), dry_run => dry_run);
  perform scheduler.check_organisations(organisation_ids);
  if triggered_by is null or triggered_by !~ '^[A-Za-z]{1,20}([_.:-][A-Za-z]{1,20}){0,2}$' then
    raise exception 'triggered_by must be a short label, not %', coalesce(quote_literal(triggered_by), 'null')
      using errcode = 'invalid_parameter_value', hint = 'It goes to logs: a word or two like operator or pg_cron, no names of people.';
  end if;

  select known.* into job from scheduler.jobs as known where known.job_name = invoke_edge.job_name;
  if job.kind = 'sql' then
    raise exception 'job % is SQL, the function does not know it', job.job_name
      using errcode = 'invalid_parameter_value', hint = format('select scheduler.run_job(%L);', job.job_name);
  end if;
  if job.job_name is null then
    return scheduler.refuse_job(job_name => invoke_edge.job_name, triggered_by => invoke_edge.triggered_by);
  end if;
  select opened.* into run
  from scheduler.open_invocation(
    job_name => job.job_name,
    kind => job.kind,
    triggered_by => invoke_edge.triggered_by,
    scheduled_for => invoke_edge.scheduled_for,
    scenarios => coalesce(invoke_edge.scenarios, job.scenarios),
    organisation_ids => invoke_edge.organisation_ids,
    dry_run => invoke_edge.dry_run
  ) as opened;
  if run.opened then
    perform scheduler.request_run(run.id);
  end if;
  return run.id;
end;
$$;

comment on function scheduler.invoke_edge(text, text[], uuid[], boolean, timestamptz, text) is
  'Asks the function to do a job, by a signed request through pg_net once this transaction commits. Returns the run''s row in the ledger, which also says why there was none.';
