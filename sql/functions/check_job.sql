create or replace function scheduler.check_job()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  unknown text;
begin
  if new.schedule is not null then
    if scheduler.previous_tick(new.schedule, now()) is null then
      raise exception 'the schedule % of job % never comes', quote_literal(new.schedule), new.job_name
        using errcode = 'invalid_parameter_value', hint = 'No month of those has such a day, or hardly ever.';
    end if;
    new.cron_name := coalesce(new.cron_name, 'scenario-scheduler-' || new.job_name);
  else
    new.cron_name := null;
  end if;

  if new.kind = 'edge' and new.target !~ '^[a-z][a-z0-9]*(-[a-z0-9]+)*$' then
    raise exception 'the target % of job % is no name of a job', quote_literal(new.target), new.job_name
      using errcode = 'invalid_parameter_value', hint = 'It is the name by which the function knows the job, scenario-evaluation for example.';
  end if;
  -- A function may come later than its job, as long as nothing starts it.
  if new.kind = 'sql' and new.enabled and not exists (
    select from pg_catalog.pg_proc as target
    where target.oid = to_regproc(new.target)
      and target.pronargs = target.pronargdefaults
      and target.prokind = 'f'
      and target.prorettype not in ('trigger'::regtype, 'event_trigger'::regtype)
  ) then
    raise exception 'the target % of job % is no function that can be called without arguments', quote_literal(new.target), new.job_name
      using errcode = 'invalid_parameter_value', hint = 'Name it with its schema, ''scheduler.run_housekeeping'' for example.';
  end if;

  if new.scenarios is not null then
    select coalesce(quote_literal(asked.scenario_type), 'null') into unknown
    from unnest(new.scenarios) as asked (scenario_type)
    where not exists (select from scheduler.scenarios as known where known.scenario_type = asked.scenario_type)
    limit 1;
    if found or new.target <> 'scenario-evaluation' or new.scenarios = '{}' then
      raise exception 'job % can''t have the scenarios %', new.job_name,
        case when unknown is not null then unknown || ', which is not known' else quote_literal(new.scenarios::text) end
        using
          errcode = 'invalid_parameter_value',
          hint = 'Only a job with the target scenario-evaluation has scenarios; null means all. ' || scheduler.known_scenarios_hint();
    end if;
  end if;

  -- What came due before a job was as it is now is not made up for.
  if tg_op = 'INSERT'
    or (new.schedule, new.enabled) is distinct from (old.schedule, old.enabled) then
    new.last_tick_for := greatest(new.last_tick_for, now());
  end if;
  return new;
end;
$$;

comment on function scheduler.check_job() is
  'Refuses a job that could not run, with the reason, when it is written; names its entry of pg_cron if it has no name.';
