-- Written by `make migration` from sql/functions. Change the functions there.

set lock_timeout = '5s';
set check_function_bodies = off;

create or replace function scheduler.abandon_dead_runs(job_name text default null, at timestamptz default now())
returns setof uuid
language sql
set search_path = pg_catalog, pg_temp
as $$
  update scheduler.invocations as dead
  set
    status = 'abandoned',
    finished_at = at,
    error_type = 'timeout_error',
    error_message = 'no sign of life since ' || to_char(coalesce(dead.heartbeat_at, dead.started_at) at time zone 'UTC', 'HH24:MI:SS') || ' UTC: the function was killed or stalled'
  where dead.id in (
    select silent.id
    from scheduler.invocations as silent
    where silent.status = 'running'
      and coalesce(silent.heartbeat_at, silent.started_at) < at - scheduler.heartbeat_limit()
      and (abandon_dead_runs.job_name is null or silent.job_name = abandon_dead_runs.job_name)
    for update skip locked
  )
  returning dead.id;
$$;

comment on function scheduler.abandon_dead_runs(text, timestamptz) is
  'Gives up runs without a sign of life, so that the next one may begin. One that lives after all ends as it will.';

create or replace function scheduler.apply_privileges()
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  project_function regprocedure;
  for_operators constant text[] := array['explain_scenario_evaluation', 'scheduler_status'];
  for_the_dispatcher constant text[] := array[
    'start_invocation', 'run_scenario_evaluation', 'claim_notifications', 'record_push_results',
    'heartbeat_invocation', 'finish_invocation', 'invocation_summary'
  ];
begin
  revoke all on schema scheduler from public, anon, authenticated, scheduler_dispatcher;
  revoke all on all tables in schema scheduler from public, anon, authenticated, scheduler_dispatcher;
  revoke all on all sequences in schema scheduler from public, anon, authenticated, scheduler_dispatcher;
  revoke all on all functions in schema scheduler from public, anon, authenticated, scheduler_dispatcher;

  grant usage on schema public to scheduler_dispatcher;
  for project_function in
    select p.oid::regprocedure
    from pg_catalog.pg_proc as p
    where p.pronamespace = 'public'::regnamespace and p.proname = any (for_operators || for_the_dispatcher)
  loop
    execute format('revoke all on function %s from public, anon, authenticated, scheduler_dispatcher', project_function);
    execute format('grant execute on function %s to service_role', project_function);
  end loop;
  for project_function in
    select p.oid::regprocedure
    from pg_catalog.pg_proc as p
    where p.pronamespace = 'public'::regnamespace and p.proname = any (for_the_dispatcher)
  loop
    execute format('grant execute on function %s to scheduler_dispatcher', project_function);
  end loop;
end;
$$;

comment on function scheduler.apply_privileges() is
  'Takes everything from public, anon and authenticated, whatever the default privileges gave, and lets service_role call the entry points, and the dispatcher''s login those it needs. The last line of every migration that makes functions or tables in scheduler.';

create or replace function scheduler.apply_schedules()
returns table (cron_name text, schedule text, active boolean, change text)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  entry record;
begin
  select job.cron_name, string_agg(distinct job.job_name || ' ' || quote_literal(job.schedule), ', ') as schedules into entry
  from scheduler.jobs as job
  where job.cron_name is not null
  group by job.cron_name
  having count(distinct job.schedule) > 1
  limit 1;
  if found then
    raise exception 'the jobs of % have several schedules: %', entry.cron_name, entry.schedules
      using errcode = 'invalid_parameter_value', hint = 'Change them in one statement, or give one of them a cron_name of its own.';
  end if;
  if to_regclass('cron.job') is null then
    raise warning 'pg_cron is not enabled: nothing runs by itself'
      using hint = 'create extension pg_cron; select scheduler.apply_schedules();';
    return;
  end if;

  for entry in
    with wanted as (
      select
        job.cron_name,
        min(job.schedule) as schedule,
        -- The entry of every minute looks after the others' requests, whatever is paused.
        bool_or(job.target = 'dispatch-backlog' or not scheduler.is_paused(job.job_name)) as active
      from scheduler.jobs as job
      where job.cron_name is not null
      group by job.cron_name
    )
    select
      coalesce(wanted.cron_name, present.jobname) as cron_name,
      coalesce(wanted.schedule, present.schedule) as schedule,
      coalesce(wanted.active, false) as active,
      present.jobid,
      case
        when wanted.cron_name is null then 'removed'
        when present.jobid is null then 'scheduled'
        when not present.ours then 'taken'
        when present.schedule <> wanted.schedule or present.active <> wanted.active then 'changed'
        else 'unchanged'
      end as change
    from wanted
    full join scheduler.cron_entries() as present on present.jobname = wanted.cron_name
    where wanted.cron_name is not null or present.ours
    order by 1
  loop
    case entry.change
      when 'removed' then
        perform cron.unschedule(entry.jobid);
      when 'scheduled' then
        entry.jobid := cron.schedule(entry.cron_name, entry.schedule, format('select scheduler.tick(%L)', entry.cron_name));
        if not entry.active then
          perform cron.alter_job(job_id => entry.jobid, active => false);
        end if;
      when 'changed' then
        perform cron.alter_job(job_id => entry.jobid, schedule => entry.schedule, active => entry.active);
      when 'taken' then
        raise warning 'pg_cron has an entry named % that is not of this project: it is left as it is', quote_literal(entry.cron_name)
          using hint = 'Give the job another cron_name in scheduler.jobs, or take that entry away.';
      else
        null;
    end case;
    return query select entry.cron_name, entry.schedule, entry.active, entry.change;
  end loop;
end;
$$;

comment on function scheduler.apply_schedules() is
  'Makes pg_cron''s entries what scheduler.jobs and the pauses say, touching no others, and says what it changed. Can be repeated; runs by itself when a job changes.';

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

create or replace function scheduler.check_organisations(organisation_ids uuid[])
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  unknown_place bigint;
begin
  select asked.place into unknown_place
  from unnest(organisation_ids) with ordinality as asked (organisation_id, place)
  where not exists (select from scheduler.organisation as known where known.organisation_id = asked.organisation_id)
    and not exists (select from scheduler.organisation_state as known where known.organisation_id = asked.organisation_id)
  limit 1;
  if found then
    raise exception 'organisation_ids[%] is no organisation', unknown_place - 1
      using errcode = 'invalid_parameter_value', hint = 'Look for the id in scheduler.organisation, or leave organisation_ids out for all.';
  end if;
end;
$$;

comment on function scheduler.check_organisations(uuid[]) is
  'Refuses a list with an organisation that does not exist, by its place in the list.';

create or replace function scheduler.check_pausable(job_name text, organisation_id uuid)
returns text[]
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  named text[] := array(
    select job.job_name
    from scheduler.jobs as job
    where check_pausable.job_name in (job.job_name, job.cron_name)
    order by job.job_name
  );
begin
  if job_name is not null and organisation_id is not null then
    raise exception 'either a job or an organisation can be paused, not a job of an organisation'
      using errcode = 'invalid_parameter_value', hint = 'Switch scenarios off for one organisation in scheduler.scenario_config.';
  end if;
  if job_name is not null and named = '{}' then
    raise exception 'unknown job %', quote_literal(job_name)
      using errcode = 'invalid_parameter_value', hint = scheduler.known_jobs_hint();
  end if;
  if organisation_id is not null
    and not exists (select from scheduler.organisation as known where known.organisation_id = check_pausable.organisation_id)
    and not exists (select from scheduler.organisation_state as known where known.organisation_id = check_pausable.organisation_id)
  then
    raise exception 'there is no organisation %', organisation_id
      using errcode = 'invalid_parameter_value', hint = 'Look for the id in scheduler.organisation.';
  end if;
  return case when job_name is null then array[null::text] else named end;
end;
$$;

comment on function scheduler.check_pausable(text, uuid) is
  'Refuses what can''t be paused; else the jobs that are meant, or one null for none in particular.';

create or replace function scheduler.comes_on(plan scheduler.cron_schedule, day date)
returns boolean
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select extract(month from day) = any (plan.months)
    and case
      when plan.either_day then extract(day from day) = any (plan.days) or extract(dow from day) = any (plan.weekdays)
      else extract(day from day) = any (plan.days) and extract(dow from day) = any (plan.weekdays)
    end;
$$;

comment on function scheduler.comes_on(scheduler.cron_schedule, date) is
  'Whether a schedule has ticks on a day. Of two restricted days, as in cron, one is enough.';

create or replace function scheduler.configure_edge(url text default null, secret text default null)
returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  problem text;
  given record;
  existing uuid;
begin
  problem := coalesce(
    case when url is null and secret is null then 'neither a url nor a secret is given' end,
    case when url is not null then scheduler.edge_url_problem(url) end,
    case when secret is not null then scheduler.edge_secret_problem(secret) end
  );
  if problem is not null then
    raise exception '%', problem
      using
        errcode = 'invalid_parameter_value',
        hint = 'select scheduler.configure_edge(url => ''https://<project>.supabase.co/functions/v1/scenario-scheduler'', secret => ''…''); nothing was changed.';
  end if;
  if to_regclass('vault.secrets') is null then
    raise exception 'there is no Vault to keep the url and the secret in'
      using errcode = 'object_not_in_prerequisite_state', hint = 'Enable it: create extension supabase_vault;';
  end if;

  for given in
    select each.name, each.kept, each.description
    from (
      values
        ('scenario_scheduler_url', configure_edge.url, 'Where pg_net finds the function scenario-scheduler'),
        ('scenario_scheduler_secret', configure_edge.secret, 'Signs requests to the function scenario-scheduler')
    ) as each (name, kept, description)
    where each.kept is not null
  loop
    select present.id into existing from vault.secrets as present where present.name = given.name;
    if found then
      begin
        perform vault.update_secret(existing, given.kept);
        continue;
      exception
        -- It reads what it replaces, which can't be read any more when Vault has another key.
        when others then
          delete from vault.secrets as unreadable where unreadable.id = existing;
      end;
    end if;
    perform vault.create_secret(given.kept, given.name, given.description);
  end loop;
  return 'kept in Vault: ' || concat_ws(' and ', case when url is not null then 'the url' end, case when secret is not null then 'the secret' end);
end;
$$;

comment on function scheduler.configure_edge(text, text) is
  'Checks the url and the secret of the function and keeps them in Vault, the one, the other or both.';

create or replace function scheduler.count_state_drift()
returns bigint
language sql
stable
set search_path = pg_catalog, pg_temp
set work_mem = '64MB'
as $$
  with recorded as (
    select activity.user_id, max(activity.activity_date) as last_activity_on, count(*)::integer as activity_count
    from scheduler.activity as activity
    group by activity.user_id
  ),
  expected as (
    select
      coalesce(mentor.user_id, recorded.user_id) as user_id,
      mentor.user_id is not null as on_roster,
      mentor.organisation_id,
      coalesce(mentor.active, false) as active,
      mentor.joined_on,
      mentor.timezone,
      mentor.locale,
      recorded.last_activity_on,
      coalesce(recorded.activity_count, 0) as activity_count
    from scheduler.roster as mentor
    full join recorded on recorded.user_id = mentor.user_id
  )
  select
    (
      select count(*)
      from expected
      full join scheduler.mentor_state as state on state.user_id = expected.user_id
      where expected.user_id is null
        or state.user_id is null
        or (
          expected.on_roster, expected.organisation_id, expected.active, expected.joined_on, expected.timezone,
          expected.locale, expected.last_activity_on, expected.activity_count
        ) is distinct from (
          state.on_roster, state.organisation_id, state.active, state.joined_on, state.timezone,
          state.locale, state.last_activity_on, state.activity_count
        )
        or state.next_milestone is distinct from case when expected.on_roster then (
          select min(m.milestone) from scheduler.milestones as m where m.milestone > expected.activity_count
        ) end
    ) + (
      select count(*)
      from (
        select state.organisation_id, count(*) as mentors
        from scheduler.mentor_state as state
        where state.active
        group by state.organisation_id
      ) as counted
      full join scheduler.organisation_state as kept on kept.organisation_id = counted.organisation_id
      where coalesce(counted.mentors, 0) <> coalesce(kept.active_mentors, 0)
    );
$$;

comment on function scheduler.count_state_drift() is
  'How many rows verify_mentor_state() would show, in a fraction of its time.';

create or replace function scheduler.cron_entries()
returns table (jobid bigint, jobname text, schedule text, command text, active boolean, ours boolean)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if to_regclass('cron.job') is null then
    return;
  end if;
  return query
  select
    entry.jobid, entry.jobname::text, entry.schedule::text, entry.command::text, entry.active,
    entry.command = format('select scheduler.tick(%L)', entry.jobname) and entry.database = current_database()
  from cron.job as entry
  -- Those of other databases too: pg_cron knows a name once for each role.
  where entry.username = current_user;
end;
$$;

comment on function scheduler.cron_entries() is
  'pg_cron''s entries of this role; ours: made by apply_schedules in this database. None where pg_cron is missing.';

create or replace function scheduler.edge_secret_problem(secret text)
returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select case
    when secret is null then 'the secret of the function is not set'
    when secret !~ '^([0-9a-fA-F]{2})*$' then 'the secret of the function is not hex: make one with openssl rand -hex 32'
    when length(secret) < 64 then 'the secret of the function is shorter than 256 bits: make one with openssl rand -hex 32'
    when length(secret) > 256 then 'the secret of the function is longer than 1024 bits: make one with openssl rand -hex 32'
  end;
$$;

comment on function scheduler.edge_secret_problem(text) is
  'What is wrong with the secret of the function, if anything. Does not repeat it.';

create or replace function scheduler.edge_url_problem(url text)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  parts text[] := regexp_match(
    lower(url),
    '^([a-z]+)://(?:([^/?#@]*)@)?(\[[0-9a-f:.]+\]|[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*)\.?(?::(\d{1,5}))?(/[^[:space:][:cntrl:]?#\\]*)?$'
  );
  host text := parts[3];
  address inet;
  loopback boolean;
begin
  if url is null then
    return 'the url of the function is not set';
  elsif parts is null then
    return 'the url of the function is not of the form https://host/path, without ? and #';
  elsif parts[2] is not null then
    return 'the url of the function holds credentials: the secret does that';
  elsif parts[7]::integer not between 1 and 65535 then
    return 'the url of the function names a port that there is not';
  end if;

  if host ~ '^\[' then
    address := btrim(host, '[]')::inet;
    -- An address of the old kind in the new one's clothes.
    address := coalesce(substring(host(address) from '^::ffff:([0-9.]+)$')::inet, address);
  elsif host ~ '^(0|[1-9]\d{0,2})(\.(0|[1-9]\d{0,2})){3}$' then
    address := host::inet;
  elsif host ~ '(^|\.)(0x[0-9a-f]*|\d+)$' then
    return 'the url of the function names an address in a form that may hide another';
  end if;
  loopback := host = 'localhost' or coalesce(address <<= '127.0.0.0/8' or address = '::1', false);

  if parts[1] <> 'https' and not (parts[1] = 'http' and loopback) then
    return 'the url of the function must be https (http only on loopback)';
  end if;
  if not loopback and (
    address <<= any (array[
      '0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24', '192.168.0.0/16',
      '192.0.2.0/24', '198.18.0.0/15', '224.0.0.0/3', '::/96', 'fc00::/7', 'fe80::/10', 'fec0::/10', 'ff00::/8',
      '64:ff9b::/32', '2001::/32', '2002::/16'
    ]::inet[])
    or (address is null and (host !~ '\.' or host ~ '\.(internal|local|localhost|lan|home|intranet|corp|private|arpa|svc)$'))
  ) then
    return 'the url of the function leads inside: it must be one that the world can reach, or loopback';
  end if;
  return null;
exception
  when invalid_text_representation then
    return 'the url of the function holds an address that is none';
end;
$$;

comment on function scheduler.edge_url_problem(text) is
  'What is wrong with the url of the function, if anything. Does not repeat it.';

create or replace function public.explain_scenario_evaluation(
  user_id uuid,
  as_of timestamptz default now()
)
returns table (scenario_type text, due boolean, decision text, reason text, explanation text, facts jsonb)
language plpgsql
stable
security definer
set search_path = ''
set datestyle = 'ISO'
set jit = off
as $$
#variable_conflict use_column
declare
  mentor scheduler.mentor_state;
  scopes scheduler.evaluation_scope[];
  out_of_scope pg_catalog.text;
begin
  perform scheduler.check_evaluation_arguments(scenarios => null, as_of => as_of, dry_run => false);
  if explain_scenario_evaluation.user_id is null then
    raise exception 'user_id must not be null'
      using errcode = 'null_value_not_allowed', hint = 'Give the id of a mentor, as in the roster.';
  end if;
  select state.* into mentor
  from scheduler.mentor_state as state
  where state.user_id = explain_scenario_evaluation.user_id and state.on_roster;
  if not found then
    raise exception 'no mentor % on the roster', explain_scenario_evaluation.user_id
      using
        errcode = 'no_data_found',
        hint = 'Look for the id in ' || coalesce(
          (select tracked.source::pg_catalog.text from scheduler.tracked_sources as tracked where tracked.kind = 'roster'),
          'a roster; none is tracked yet, see scheduler.track_roster'
        ) || '.';
  end if;

  select coalesce(array_agg(scope), '{}') into scopes
  from scheduler.evaluation_scopes(
    scenarios => null, as_of => as_of, organisation_ids => null, user_ids => array[mentor.user_id]
  ) as scope;

  out_of_scope := case
    when not mentor.active then 'mentor_not_active'
    when exists (
      select from scheduler.organisation_settings as settings
      where settings.paused and (settings.organisation_id = mentor.organisation_id or settings.organisation_id is null)
    ) then 'organisation_paused'
  end;

  return query
  select
    scenario.scenario_type,
    coalesce(verdict.due, false),
    judged.decision,
    judged.reason,
    scheduler.explain_verdict(
      scenario_type => scenario.scenario_type,
      reason => judged.reason,
      deliver_after => verdict.deliver_after,
      facts => judged.facts
    ),
    judged.facts
  from scheduler.scenarios as scenario
  left join scheduler.judge_occurrences(
    as_of => as_of, scopes => scopes, user_ids => array[mentor.user_id], explaining => true
  ) as verdict on verdict.scenario_type = scenario.scenario_type
  left join unnest(scopes) as scope on scope.scenario_type = scenario.scenario_type
  left join lateral (
    select jsonb_build_object(
      'id', latest.id, 'status', latest.status, 'status_reason', latest.status_reason,
      'sent_at', latest.sent_at, 'due_at', latest.due_at, 'attempts', latest.attempts
    ) as told
    from scheduler.notifications as latest
    where latest.user_id = mentor.user_id and latest.scenario_type = scenario.scenario_type
    -- In the order of the index that finds them.
    order by latest.evaluation_date desc
    limit 1
  ) as last_notification on true
  cross join lateral (
    select
      case
        when out_of_scope is not null or scope.config_id is null then 'out_of_scope'
        when not coalesce(verdict.due, false) then 'not_due'
        when verdict.reason is null then 'candidate'
        else 'suppressed'
      end as decision,
      case
        when out_of_scope is not null then out_of_scope
        when scope.config_id is null then 'scenario_disabled'
        when verdict.user_id is null then 'not_due'
        else verdict.reason
      end as reason,
      jsonb_strip_nulls(jsonb_build_object(
        'evaluation_date', verdict.evaluation_date,
        'occurrence_key', verdict.occurrence_key,
        'cooldown_window_start', verdict.cooldown_window_start,
        'window_cooldown_until', verdict.cooldown_until,
        'deliver_after', verdict.deliver_after,
        'last_notification', last_notification.told,
        'pause', case when out_of_scope = 'organisation_paused' then (
          select format('%s since %s by %s (%s)',
            case when pause.organisation_id is null then 'everything' else 'the organisation' end,
            pause.paused_at::pg_catalog.timestamptz(0), pause.paused_by, coalesce(pause.reason, 'no reason given'))
          from scheduler.pauses as pause
          where pause.resumed_at is null
            and pause.job_name is null
            and coalesce(pause.organisation_id, mentor.organisation_id) = mentor.organisation_id
          order by pause.organisation_id nulls first
          limit 1
        ) end
      ) || coalesce(verdict.facts, '{}')) as facts
  ) as judged
  order by coalesce(scope.priority, scenario.default_priority), scenario.scenario_type;
end;
$$;

comment on function public.explain_scenario_evaluation(uuid, timestamptz) is
  'Why a mentor gets a push or doesn''t, a row per scenario. Writes nothing.';

create or replace function scheduler.explain_verdict(
  scenario_type text,
  reason text,
  deliver_after timestamptz,
  facts jsonb
)
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
set datestyle = 'ISO'
as $$
  select case
    when reason = 'mentor_not_active' then 'The mentor is not active on the roster.'
    when reason = 'organisation_paused' then 'Paused: ' || coalesce(facts ->> 'pause', 'the organisation or everything, in organisation_settings') || '.'
    when reason = 'scenario_disabled' then 'The scenario is switched off in scenario_config.'
    else concat_ws(' ',
      case
        when scenario_type = 'inactivity' and (facts ->> 'days_silent')::integer < 0 then format(
          'The next activity is planned on %s.', facts ->> 'silent_since')
        when scenario_type = 'inactivity' and facts ->> 'silent_since' is null then
          'There is neither an activity nor a joining date.'
        when scenario_type = 'inactivity' then format(
          'Silent for %s days, since %s; reminders start at %s days, on %s.',
          facts ->> 'days_silent', facts ->> 'silent_since', facts ->> 'threshold_days',
          (facts ->> 'silent_since')::date + (facts ->> 'threshold_days')::integer)
        when scenario_type = 'milestone' and facts ? 'milestone' then format(
          'Activities: %s. Reached milestone %s in the last %s days%s.',
          facts ->> 'activities', facts ->> 'milestone', facts ->> 'lookback_days',
          '; was told of milestone ' || (facts ->> 'notified_before') || ' before')
        when scenario_type = 'milestone' and facts ? 'activities' then format(
          'Activities: %s. Reached no milestone in the last %s days%s.',
          facts ->> 'activities', facts ->> 'lookback_days', '; the next is ' || (facts ->> 'next_milestone'))
        when scenario_type = 'expiry' and facts ? 'lead_days' then format(
          'A certification expires in %s days, on %s, which is within the lead of %s days.',
          facts ->> 'days_left', facts ->> 'expires_on', facts ->> 'lead_days')
        when scenario_type = 'expiry' and facts ? 'expires_on' then format(
          'The next certification expires on %s, in %s days; the first word is %s days before.',
          facts ->> 'expires_on', facts ->> 'days_left', facts ->> 'longest_lead')
        when scenario_type = 'expiry' then 'No certification expires from today on.'
      end,
      case
        when reason is null then format('A push goes out after %s.', deliver_after)
        when reason = 'not_due' then 'Not due.'
        when reason = 'already_notified' then 'A notification for this is in the outbox already: ' || (facts ->> 'occurrence_key') || '.'
        when reason = 'opted_out' then 'Held back: the mentor has switched these pushes off.'
        when reason = 'no_device' then 'Held back: the mentor has no enabled device.'
        when reason = 'cooldown' then format('Held back: left alone until %s after the last push of this scenario.', facts ->> 'cooldown_until')
        when reason = 'max_reminders' then format('Held back: has had all %s reminders of this silence.', facts ->> 'max_reminders')
        when reason = 'frequency_cap' then format(
          'Held back: %s notifications that day (cap %s) and %s in 7 days (cap %s), with %s more of this run going first.',
          facts ->> 'notified_today', coalesce(facts ->> 'daily_cap', 'none'),
          facts ->> 'notified_in_7_days', coalesce(facts ->> 'weekly_cap', 'none'), facts ->> 'before_it_in_this_run')
        when reason = 'already_evaluated' then 'Held back: this scenario has a notification for this day already.'
        when reason = 'no_template' then 'Held back: there is no template in the mentor''s language, nb or en.'
        else 'Held back: ' || reason || '.'
      end,
      'The last notification of this scenario (' || (facts #>> '{last_notification,id}') || ') ' || case
        when facts #>> '{last_notification,status}' = 'sent' then 'was sent at ' || (facts #>> '{last_notification,sent_at}')::timestamptz(0)
        when facts #>> '{last_notification,status}' = 'pending' and facts #>> '{last_notification,sent_at}' is not null
          then 'has arrived at one device, and is tried at the others after ' || (facts #>> '{last_notification,due_at}')::timestamptz(0)
        when facts #>> '{last_notification,status}' = 'pending' then 'goes out after ' || (facts #>> '{last_notification,due_at}')::timestamptz(0)
        when facts #>> '{last_notification,status}' = 'sending' then 'is being sent'
        else 'is ' || (facts #>> '{last_notification,status}')
      end || coalesce(' (' || (facts #>> '{last_notification,status_reason}') || ')', '') || '.'
    )
  end;
$$;

comment on function scheduler.explain_verdict(text, text, timestamptz, jsonb) is
  'A verdict and its facts as a sentence for an operator.';

create or replace function public.finish_invocation(
  invocation_id uuid,
  status text,
  total_candidates integer default null,
  total_dispatched integer default 0,
  pages_processed integer default 0,
  errors jsonb default '{}',
  error_type text default null,
  error_message text default null
)
returns scheduler.invocation_summary
language plpgsql
security definer
set search_path = ''
as $$
declare
  remaining integer := 0;
begin
  if status is null or status not in ('completed', 'partial', 'failed') then
    raise exception 'a run ends as completed, partial or failed, not %', coalesce(quote_literal(status), 'null')
      using errcode = 'invalid_parameter_value', hint = 'Give one of the three.';
  end if;
  if jsonb_typeof(errors) is distinct from 'object' then
    raise exception 'errors must be an object of counts by type, not %', coalesce(errors::pg_catalog.text, 'null')
      using errcode = 'invalid_parameter_value', hint = 'Give {} where there was none, or {"timeout_error": 2} for example.';
  end if;
  if status <> 'completed' or exists (
    select from scheduler.invocations as invocation where invocation.id = finish_invocation.invocation_id and invocation.dry_run
  ) then
    select count(*) into remaining from scheduler.notifications as waiting where waiting.due_at <= now();
  end if;
  update scheduler.invocations as invocation
  set
    -- A run that ran out of time when nothing was left to do is complete.
    status = case when finish_invocation.status = 'partial' and remaining = 0 then 'completed' else finish_invocation.status end,
    finished_at = clock_timestamp(),
    total_candidates = coalesce(invocation.total_candidates, finish_invocation.total_candidates),
    total_dispatched = finish_invocation.total_dispatched,
    pages_processed = finish_invocation.pages_processed,
    errors = finish_invocation.errors,
    total_errors = (select coalesce(sum(by_type.value::integer), 0) from jsonb_each_text(finish_invocation.errors) as by_type),
    error_type = finish_invocation.error_type,
    error_message = finish_invocation.error_message,
    remaining_unprocessed_count = remaining
  -- One that was taken for dead, and lived, ends as it did.
  where invocation.id = finish_invocation.invocation_id and invocation.status in ('running', 'abandoned');
  if not found and not exists (
    select from scheduler.invocations as invocation where invocation.id = finish_invocation.invocation_id
  ) then
    raise exception 'there is no run %', coalesce(finish_invocation.invocation_id::pg_catalog.text, 'null')
      using errcode = 'no_data_found', hint = 'Open it with start_invocation first.';
  end if;
  return public.invocation_summary(finish_invocation.invocation_id);
end;
$$;

comment on function public.finish_invocation(uuid, text, integer, integer, integer, jsonb, text, text) is
  'Closes a run in the ledger with what it did, and returns its figures. One that has ended stays as it ended.';

create or replace function scheduler.follow_jobs()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform scheduler.apply_schedules();
  return null;
end;
$$;

comment on function scheduler.follow_jobs() is
  'Keeps pg_cron''s entries as the jobs and the pauses are.';

create or replace function public.heartbeat_invocation(invocation_id uuid)
returns void
language sql
security definer
set search_path = ''
as $$
  update scheduler.invocations as invocation
  set heartbeat_at = clock_timestamp()
  where invocation.id = (
    -- An evaluation that ends just now writes the same row: that is a sign of life too.
    select living.id
    from scheduler.invocations as living
    where living.id = heartbeat_invocation.invocation_id and living.status = 'running'
    for update skip locked
  );
$$;

comment on function public.heartbeat_invocation(uuid) is
  'A sign of life of a running run.';

create or replace function scheduler.heartbeat_limit()
returns interval
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select interval '30 seconds';
$$;

comment on function scheduler.heartbeat_limit() is
  'How long a run may give no sign of life. It gives one every five seconds.';

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

create or replace function scheduler.is_paused(job_name text)
returns boolean
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select exists (
    select from scheduler.pauses as open
    where open.resumed_at is null
      and open.organisation_id is null
      and coalesce(open.job_name, is_paused.job_name) = is_paused.job_name
  );
$$;

comment on function scheduler.is_paused(text) is
  'Whether a job is paused, or everything.';

create or replace function scheduler.known_jobs_hint()
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select 'Known jobs: ' || coalesce(string_agg(job.job_name, ', ' order by job.job_name), 'none') || '.'
  from scheduler.jobs as job;
$$;

comment on function scheduler.known_jobs_hint() is
  'The jobs in a sentence, for error messages.';

create or replace function scheduler.next_tick(schedule text, at timestamptz)
returns timestamptz
language plpgsql
immutable
strict
set search_path = pg_catalog, pg_temp
as $$
declare
  plan constant scheduler.cron_schedule := scheduler.read_schedule(schedule);
  today constant date := (at at time zone 'UTC')::date;
  tick timestamp;
begin
  for days_ahead in 0..2922 loop
    continue when not scheduler.comes_on(plan, today + days_ahead);
    select min(today + days_ahead + make_time(hour, minute, 0)) into tick
    from unnest(plan.hours) as hour
    cross join unnest(plan.minutes) as minute
    where days_ahead > 0 or make_time(hour, minute, 0) > (at at time zone 'UTC')::time;
    if tick is not null then
      return tick at time zone 'UTC';
    end if;
  end loop;
  return null;
end;
$$;

comment on function scheduler.next_tick(text, timestamptz) is
  'The first moment of a schedule, in UTC, after the given one; null: none in eight years.';

create or replace function scheduler.note_pauses()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op <> 'DELETE' and new.paused then
    insert into scheduler.pauses (organisation_id, paused_by) values (new.organisation_id, session_user)
    on conflict do nothing;
  else
    update scheduler.pauses as open
    set resumed_at = now(), resumed_by = session_user
    where open.job_name is null
      and open.organisation_id is not distinct from coalesce(new.organisation_id, old.organisation_id)
      and open.resumed_at is null;
    if found and coalesce(new.organisation_id, old.organisation_id) is null then
      update scheduler.jobs as job set last_tick_for = now();
    end if;
  end if;
  return null;
end;
$$;

comment on function scheduler.note_pauses() is
  'Keeps scheduler.pauses true where somebody writes organisation_settings.paused without pause and resume.';

create or replace function scheduler.open_invocation(
  job_name text,
  kind text,
  triggered_by text,
  scheduled_for timestamptz default null,
  scenarios text[] default null,
  organisation_ids uuid[] default null,
  dry_run boolean default false
)
returns table (id uuid, opened boolean)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  hindrance text;
begin
  perform scheduler.abandon_dead_runs(job_name => open_invocation.job_name, at => now());
  -- Where somebody else comes in between, the unique keys say so, and the second look why.
  for look in 1..2 loop
    hindrance := case
      when exists (
        select from scheduler.invocations as other
        where not open_invocation.dry_run
          and not other.dry_run
          and other.job_name = open_invocation.job_name
          and other.scheduled_for = open_invocation.scheduled_for
          and other.retry_of is null
          and other.status <> 'skipped'
          and other.status_reason is distinct from 'not_configured'
      ) then 'duplicate_tick'
      -- Who asks for a run need not wait for one that only has been asked for.
      when not open_invocation.dry_run and exists (
        select from scheduler.invocations as other
        where other.job_name = open_invocation.job_name
          and not other.dry_run
          and (other.status = 'running' or (other.status = 'requested' and open_invocation.scheduled_for is not null))
      ) then 'overlap'
      when look = 2 then 'overlap'
    end;
    return query
    insert into scheduler.invocations as invocation (
      id, job_name, status, status_reason, triggered_by, scheduled_for, scenarios, organisation_ids, dry_run,
      started_at, heartbeat_at, finished_at
    )
    select
      gen_random_uuid(), open_invocation.job_name, began.status, hindrance, open_invocation.triggered_by,
      open_invocation.scheduled_for, open_invocation.scenarios, open_invocation.organisation_ids, open_invocation.dry_run,
      case when began.status = 'running' then clock_timestamp() end,
      case when began.status = 'running' then clock_timestamp() end,
      case when began.status = 'skipped' then clock_timestamp() end
    from (
      select case when hindrance is not null then 'skipped' when open_invocation.kind = 'edge' then 'requested' else 'running' end as status
    ) as began
    on conflict do nothing
    returning invocation.id, invocation.status <> 'skipped';
    exit when found;
  end loop;
end;
$$;

comment on function scheduler.open_invocation(text, text, text, timestamptz, text[], uuid[], boolean) is
  'Opens a row of the ledger. opened is false where it is one that was skipped: a tick that had its run, or a run that is on.';

create or replace function scheduler.pause(
  job_name text default null,
  organisation_id uuid default null,
  reason text default null,
  paused_by text default session_user
)
returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  named text[] := scheduler.check_pausable(job_name => job_name, organisation_id => organisation_id);
begin
  insert into scheduler.pauses as paused (job_name, organisation_id, paused_by, reason)
  select asked.job_name, pause.organisation_id, coalesce(pause.paused_by, session_user), nullif(btrim(pause.reason), '')
  from unnest(named) as asked (job_name)
  on conflict do nothing;

  if pause.job_name is null then
    insert into scheduler.organisation_settings as settings (organisation_id, paused)
    values (pause.organisation_id, true)
    on conflict on constraint one_settings_row_per_organisation do update set paused = true where not settings.paused;
  end if;

  return (
    select string_agg(
      format('%s: paused since %s by %s (%s)',
        coalesce(open.job_name, 'organisation ' || open.organisation_id, 'everything'),
        open.paused_at::timestamptz(0), open.paused_by, coalesce(open.reason, 'no reason given')),
      E'\n' order by open.job_name
    )
    from scheduler.pauses as open
    join unnest(named) as asked (job_name) on asked.job_name is not distinct from open.job_name
    where open.organisation_id is not distinct from pause.organisation_id and open.resumed_at is null
  );
end;
$$;

comment on function scheduler.pause(text, uuid, text, text) is
  'Pauses a job (or those of an entry of pg_cron), an organisation, or without either everything, and keeps who and why. What is paused already stays as it is.';

create or replace function scheduler.previous_tick(schedule text, at timestamptz)
returns timestamptz
language plpgsql
immutable
strict
set search_path = pg_catalog, pg_temp
as $$
declare
  plan constant scheduler.cron_schedule := scheduler.read_schedule(schedule);
  today constant date := (at at time zone 'UTC')::date;
  tick timestamp;
begin
  -- The 29th of February may be eight years away.
  for days_back in 0..2922 loop
    continue when not scheduler.comes_on(plan, today - days_back);
    select max(today - days_back + make_time(hour, minute, 0)) into tick
    from unnest(plan.hours) as hour
    cross join unnest(plan.minutes) as minute
    where days_back > 0 or make_time(hour, minute, 0) <= (at at time zone 'UTC')::time;
    if tick is not null then
      return tick at time zone 'UTC';
    end if;
  end loop;
  return null;
end;
$$;

comment on function scheduler.previous_tick(text, timestamptz) is
  'The last moment of a schedule, in UTC, that is not after the given one; null: none in eight years.';

create or replace function scheduler.read_schedule(schedule text)
returns scheduler.cron_schedule
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  field_names constant text[] := array['minute', 'hour', 'day of the month', 'month', 'day of the week'];
  least_values constant integer[] := array[0, 0, 1, 1, 0];
  most_values constant integer[] := array[59, 23, 31, 12, 7];
  months constant text[] := array['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
  weekdays constant text[] := array['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
  fields text[] := regexp_split_to_array(lower(btrim(schedule, E' \t\r\n')), '\s+');
  field_values integer[];
  names text[];
  read scheduler.cron_schedule;
  item text;
  parts text[];
  low integer;
  high integer;
  step integer;
begin
  if schedule is null or cardinality(fields) <> 5 then
    raise exception 'the schedule % has not five fields', coalesce(quote_literal(schedule), 'null')
      using
        errcode = 'invalid_parameter_value',
        hint = 'minute, hour, day of the month, month, day of the week, in UTC: ''0 6 * * *'' is every day at six.';
  end if;

  for place in 1..5 loop
    field_values := '{}';
    names := case place when 4 then months when 5 then weekdays end;
    foreach item in array string_to_array(fields[place], ',') loop
      parts := regexp_match(item, '^(?:(\*)|([a-z]{3}|\d{1,2})(?:-([a-z]{3}|\d{1,2}))?)(?:/(\d{1,2}))?$');
      low := case
        when parts[1] is not null then least_values[place]
        when parts[2] ~ '^\d+$' then parts[2]::integer
        else least_values[place] - 1 + array_position(names, parts[2])
      end;
      high := case
        when parts[1] is not null then most_values[place]
        when parts[3] is null then low
        when parts[3] ~ '^\d+$' then parts[3]::integer
        else least_values[place] - 1 + array_position(names, parts[3])
      end;
      step := coalesce(parts[4]::integer, 1);
      if parts is null
        or low is null or high is null
        or low < least_values[place] or high > most_values[place] or low > high
        or step = 0
        or (parts[4] is not null and parts[1] is null and parts[3] is null)
      then
        raise exception 'the schedule % can''t be read: % is no %', quote_literal(schedule), quote_literal(item), field_names[place]
          using
            errcode = 'invalid_parameter_value',
            hint = format('A %s is *, a number from %s to %s, a range like %2$s-%3$s, either with a step like */2, or a list of these.',
              field_names[place], least_values[place], most_values[place]);
      end if;
      field_values := field_values || array(select generate_series(low, high, step));
    end loop;
    case place
      when 1 then read.minutes := field_values;
      when 2 then read.hours := field_values;
      when 3 then read.days := field_values;
      when 4 then read.months := field_values;
      -- Sunday is 0 and 7.
      else read.weekdays := array(select distinct day % 7 from unnest(field_values) as day);
    end case;
  end loop;
  read.either_day := fields[3] not like '*%' and fields[5] not like '*%';
  return read;
end;
$$;

comment on function scheduler.read_schedule(text) is
  'Reads a cron expression as pg_cron does, and refuses what it can''t read with the field at fault.';

create or replace function scheduler.read_secret(secret_name text)
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if to_regclass('vault.decrypted_secrets') is null then
    return null;
  end if;
  return (
    select btrim(kept.decrypted_secret, E' \t\r\n') from vault.decrypted_secrets as kept where kept.name = secret_name
  );
exception
  -- After a restore elsewhere Vault has another key: as good as none, until it is set again.
  when others then
    raise warning 'the secret % can''t be read from Vault: %', secret_name, sqlerrm
      using hint = 'Set it again: select scheduler.configure_edge(url => ''…'', secret => ''…'');';
    return null;
end;
$$;

comment on function scheduler.read_secret(text) is
  'A secret from Vault; null: there is none of that name that can be read.';

create or replace function scheduler.reconcile_requests(at timestamptz default now())
returns table (job_name text, invocation_id uuid, found text, done text)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  run record;
  dead uuid[];
begin
  perform scheduler.see_responses(at => reconcile_requests.at);

  -- Asked for, and no run began.
  for run in
    select
      stuck.id, stuck.job_name, request.asked_at, request.outcome, request.http_status, request.error,
      case request.outcome
        when 'accepted' then format('answered %s, but no run began: is the url that of the function?', request.http_status)
        when 'refused' then concat_ws(' ', 'answered', request.http_status, request.error)
        when 'timed_out' then 'no answer in time'
        when 'unreachable' then concat_ws(': ', 'not reached', request.error)
        when 'lost' then 'the request was lost before it was made'
        when 'unanswered' then 'the request was not made: does pg_net''s worker run?'
      end as said,
      scheduler.wait_before_asking(stuck.attempt, job.catch_up) as wait,
      coalesce(job.enabled, false)
        and not scheduler.is_paused(stuck.job_name)
        and coalesce(stuck.requested_at > reconcile_requests.at - job.catch_up, true)
        -- What is wrong with the request itself stays wrong.
        and coalesce(request.http_status not in (400, 405, 413, 415), true) as wanted
    from scheduler.invocations as stuck
    left join scheduler.jobs as job on job.job_name = stuck.job_name
    cross join lateral (
      select latest.* from scheduler.requests as latest where latest.invocation_id = stuck.id order by latest.id desc limit 1
    ) as request
    where stuck.status = 'requested' and request.outcome is not null
    order by stuck.requested_at
    for update of stuck skip locked
  loop
    if run.wait is null or not run.wanted then
      update scheduler.invocations as given_up
      set
        status = 'failed',
        finished_at = clock_timestamp(),
        error_type = case
          when run.outcome in ('timed_out', 'unanswered') then 'timeout_error'
          when run.http_status in (401, 403) then 'authentication_error'
          when run.error in ('timeout_error', 'database_error', 'provider_error', 'evaluation_logic_error') then run.error
          when run.outcome = 'refused' and run.http_status < 500 then 'evaluation_logic_error'
          else 'network_error'
        end,
        error_message = run.said
      where given_up.id = run.id;
      return query select run.job_name, run.id, run.said, 'given up';
    elsif run.asked_at + run.wait <= reconcile_requests.at then
      update scheduler.invocations as again set attempt = again.attempt + 1 where again.id = run.id;
      perform scheduler.request_run(run.id);
      return query select run.job_name, run.id, run.said, 'asked again';
    end if;
  end loop;

  dead := array(select scheduler.abandon_dead_runs(at => reconcile_requests.at));
  return query
  select abandoned.job_name, abandoned.id, abandoned.error_message, 'abandoned'
  from scheduler.invocations as abandoned
  where abandoned.id = any (dead);

  return query
  select retried.job_name, retried.invocation_id, retried.found, 'run again'
  from scheduler.retry_runs(at => reconcile_requests.at) as retried;
end;
$$;

comment on function scheduler.reconcile_requests(timestamptz) is
  'Finds requests that were lost, refused, not answered or not made, and runs that died, and has them made again, at most three times. Says what it found and did; the tick of every minute calls it.';

create or replace function scheduler.refuse_job(
  job_name text,
  triggered_by text,
  invocation_id uuid default null,
  webhook_id text default null
)
returns uuid
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  run_id constant uuid := coalesce(invocation_id, gen_random_uuid());
begin
  insert into scheduler.invocations (
    id, job_name, status, status_reason, triggered_by, webhook_id, error_type, error_message, started_at, finished_at
  )
  values (
    run_id,
    -- A name that is none of ours may be anything, so it is not kept.
    case when job_name ~ '^[a-z]{1,20}[0-9]{0,3}(-[a-z]{1,20}[0-9]{0,3}){0,3}$' then job_name else 'unknown' end,
    'failed', 'unknown_job', triggered_by, webhook_id, 'evaluation_logic_error',
    'the function has no such job. ' || scheduler.known_jobs_hint(), clock_timestamp(), clock_timestamp()
  )
  on conflict do nothing;
  raise warning 'unknown job %', quote_nullable(job_name) using hint = scheduler.known_jobs_hint();
  return run_id;
end;
$$;

comment on function scheduler.refuse_job(text, text, uuid, text) is
  'Leaves a failed row in the ledger for a job that the function does not know.';

create or replace function scheduler.request_run(invocation_id uuid)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
declare
  run scheduler.invocations;
  job scheduler.jobs;
  url constant text := scheduler.read_secret('scenario_scheduler_url');
  secret constant text := scheduler.read_secret('scenario_scheduler_secret');
  body jsonb;
  webhook_id text;
  request bigint;
  problem text;
begin
  select opened.* into strict run from scheduler.invocations as opened where opened.id = request_run.invocation_id;
  select known.* into strict job from scheduler.jobs as known where known.job_name = run.job_name;
  webhook_id := format('run_%s_%s', run.id, run.attempt);
  body := jsonb_strip_nulls(jsonb_build_object(
    'job_name', job.target,
    'invocation_id', run.id,
    'scheduled_for', run.scheduled_for,
    'triggered_by', run.triggered_by,
    'scenarios', run.scenarios,
    'organisation_ids', run.organisation_ids,
    'dry_run', run.dry_run
  ));

  problem := coalesce(scheduler.edge_url_problem(url), scheduler.edge_secret_problem(secret));
  if problem is null then
    begin
      request := net.http_post(
        url => url,
        body => body,
        headers => jsonb_build_object('Content-Type', 'application/json', 'Prefer', 'respond-async')
          -- pg_net sends the text of the jsonb, so that is what is signed.
          || scheduler.sign_webhook(webhook_id => webhook_id, asked_at => clock_timestamp(), body => body::text, secret => secret),
        timeout_milliseconds => (1000 * extract(epoch from job.timeout))::integer
      );
    exception
      when others then
        problem := case
          when sqlstate in ('42883', '3F000', '42501') then 'pg_net can''t be called: is it enabled, and may this role use it?'
          else format('pg_net does not take the request (%s); the log of the database says more', sqlstate)
        end;
    end;
  end if;

  if problem is not null then
    update scheduler.invocations as failed
    set
      status = 'failed',
      status_reason = 'not_configured',
      finished_at = clock_timestamp(),
      error_type = case when scheduler.edge_url_problem(url) is null and scheduler.edge_secret_problem(secret) is not null
        then 'authentication_error' else 'network_error' end,
      error_message = problem
    where failed.id = run.id;
    raise warning 'job % was not started: %', run.job_name, problem
      using hint = 'select * from scheduler_status(); says what is set up and what is not.';
    return false;
  end if;

  insert into scheduler.requests (invocation_id, attempt, request_id, webhook_id)
  values (run.id, run.attempt, request, webhook_id);
  update scheduler.invocations as requested
  set request_id = request, http_status = null
  where requested.id = run.id;
  return true;
end;
$$;

comment on function scheduler.request_run(uuid) is
  'Sends the request for a run that is in the ledger, signed, or fails the run with what is not set up.';

create or replace function scheduler.resume(
  job_name text default null,
  organisation_id uuid default null,
  resumed_by text default session_user
)
returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  named text[] := scheduler.check_pausable(job_name => job_name, organisation_id => organisation_id);
  said text;
begin
  with ended as (
    update scheduler.pauses as open
    set resumed_at = now(), resumed_by = coalesce(resume.resumed_by, session_user)
    from unnest(named) as asked (job_name)
    where asked.job_name is not distinct from open.job_name
      and open.organisation_id is not distinct from resume.organisation_id
      and open.resumed_at is null
    returning open.*
  )
  select
    string_agg(
      format('%s: resumed, was paused since %s by %s (%s)',
        coalesce(ended.job_name, 'organisation ' || ended.organisation_id, 'everything'),
        ended.paused_at::timestamptz(0), ended.paused_by, coalesce(ended.reason, 'no reason given')),
      E'\n' order by ended.job_name
    )
  into said
  from ended;

  -- A pause was meant: what would have come in it is not made up for.
  update scheduler.jobs as job
  set last_tick_for = now()
  where said is not null
    and resume.organisation_id is null
    and (resume.job_name is null or job.job_name = any (named));

  if resume.job_name is null then
    update scheduler.organisation_settings as settings
    set paused = false
    where settings.organisation_id is not distinct from resume.organisation_id and settings.paused;
  end if;
  return coalesce(
    said, format('%s: was not paused', coalesce(resume.job_name, 'organisation ' || resume.organisation_id, 'everything'))
  );
end;
$$;

comment on function scheduler.resume(text, uuid, text) is
  'Ends the pause of a job (or of those of an entry of pg_cron), of an organisation, or without either the one of everything. Other pauses stay.';

create or replace function scheduler.retry_runs(at timestamptz)
returns table (job_name text, invocation_id uuid, found text)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  run record;
  configured constant boolean := scheduler.edge_url_problem(scheduler.read_secret('scenario_scheduler_url')) is null
    and scheduler.edge_secret_problem(scheduler.read_secret('scenario_scheduler_secret')) is null;
  retry_id uuid;
begin
  for run in
    select broken.id, broken.job_name, broken.scheduled_for, broken.scenarios, broken.organisation_ids, broken.attempt,
      broken.status <> 'skipped' as was_tried,
      broken.status || coalesce(': ' || coalesce(broken.error_message, broken.status_reason), '') as said
    from scheduler.invocations as broken
    join scheduler.jobs as job on job.job_name = broken.job_name and job.kind = 'edge' and job.enabled
    where broken.requested_at > retry_runs.at - job.catch_up
      -- Nobody waits for what was asked for by hand: they see that it failed.
      and broken.scheduled_for is not null
      and not broken.dry_run
      and (
        -- Where the evaluation stands, the rest is sent by the next minute's tick.
        (broken.status in ('failed', 'abandoned') and broken.started_at is not null and broken.as_of is null and broken.status_reason is null)
        -- The run that it met may have been a narrower one.
        or (broken.status = 'skipped' and broken.status_reason = 'overlap')
        or (broken.status_reason = 'not_configured' and configured)
      )
      and broken.finished_at + scheduler.wait_before_asking(broken.attempt, job.catch_up) <= retry_runs.at
      and not exists (select from scheduler.invocations as retry where retry.retry_of = broken.id)
      and not scheduler.is_paused(job.job_name)
      -- One that is on, or ended since and did as much, makes it needless.
      and not exists (
        select from scheduler.invocations as other
        where other.job_name = broken.job_name
          and other.id <> broken.id
          and not other.dry_run
          and (
            other.status in ('requested', 'running')
            or (
              other.status in ('completed', 'partial')
              and other.heartbeat_at is not null
              and other.finished_at >= broken.requested_at
              and other.organisation_ids is null
              and (other.scenarios is null or other.scenarios @> broken.scenarios)
            )
          )
      )
    order by broken.requested_at
    for update of broken skip locked
  loop
    retry_id := null;
    insert into scheduler.invocations (
      id, job_name, status, triggered_by, scheduled_for, scenarios, organisation_ids, attempt, retry_of
    )
    values (
      gen_random_uuid(), run.job_name, 'requested', 'retry', run.scheduled_for, run.scenarios, run.organisation_ids,
      run.attempt + run.was_tried::integer, run.id
    )
    on conflict do nothing
    returning id into retry_id;
    if retry_id is not null then
      perform scheduler.request_run(retry_id);
      return query select run.job_name, retry_id, run.said;
    end if;
  end loop;
end;
$$;

comment on function scheduler.retry_runs(timestamptz) is
  'Has runs of a tick begun anew, under rows of their own, that failed or died before their work was safe, met another run, or could not be asked for.';

create or replace function scheduler.run_housekeeping(looked_at integer default 100000)
returns jsonb
language sql
set search_path = pg_catalog, pg_temp
as $$
  select
    coalesce(
      jsonb_object_agg(
        rule.kept,
        case rule.kept
          when 'notifications' then scheduler.sweep_notifications(now() - rule.keep, looked_at)
          when 'push_attempts' then scheduler.sweep_push_attempts(now() - rule.keep, looked_at)
          when 'invocations' then scheduler.sweep_invocations(now() - rule.keep, looked_at)
          when 'cron_history' then scheduler.sweep_cron_history(now() - rule.keep, looked_at)
        end
      ),
      '{}'
    ) || jsonb_build_object('state_drift', scheduler.count_state_drift())
  from scheduler.retention as rule;
$$;

comment on function scheduler.run_housekeeping(integer) is
  'Deletes what is older than scheduler.retention keeps, looking at so many rows of each table at most, and counts the mentors whose state differs from the sources.';

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
      execute format('select to_jsonb(result) from %s() as result limit 1', to_regproc(job.target)) into result;
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

create or replace function public.scheduler_status()
returns table (component text, status text, detail text)
language sql
stable
security definer
set search_path = ''
set jit = off
as $$
  with zone as (
    select 'organisation ' || organisation.organisation_id as owner, described.timezone
    from scheduler.organisation_state as organisation
    left join scheduler.organisation as described on described.organisation_id = organisation.organisation_id
    where organisation.active_mentors > 0
      and (coalesce(described.timezone, '') = '' or scheduler.usable_timezone(array[described.timezone]) <> described.timezone)
    union all
    select state.mentors || ' mentors', state.timezone
    from (
      select mentor.timezone, count(*) as mentors
      from scheduler.mentor_state as mentor
      where mentor.active and mentor.timezone is not null
      group by mentor.timezone
    ) as state
    where scheduler.usable_timezone(array[state.timezone]) <> state.timezone
  ),
  outbox as (
    select
      count(*) as pending,
      min(waiting.deliver_after) as oldest,
      count(*) filter (where waiting.due_at < now() - interval '15 minutes') as overdue,
      count(*) filter (where waiting.expires_at < now()) as too_late
    from scheduler.notifications as waiting
    where waiting.status = 'pending'
  ),
  parked as (
    select
      count(*) filter (where stopped.status = 'dead') as dead,
      count(*) filter (where stopped.status = 'quarantined') as quarantined
    from scheduler.notifications as stopped
    where stopped.status in ('dead', 'quarantined')
  ),
  -- Devices that a provider refused for good, and that the application still offers.
  refused as (
    select count(distinct device.token) as devices
    from scheduler.push_attempts as attempt
    join scheduler.notifications as notification on notification.id = attempt.notification_id
    join scheduler.device as device on device.user_id = notification.user_id
    where attempt.outcome = 'invalid_token'
      and attempt.attempted_at > now() - interval '7 days'
      and attempt.token_hash = sha256(convert_to(device.token, 'UTF8'))
  ),
  last_run as (
    select run.started_at, run.total_candidates, run.total_suppressed
    from scheduler.invocations as run
    where run.as_of is not null and not run.dry_run
    order by run.started_at desc nulls last
    limit 1
  ),
  last_ending as (
    select run.job_name, run.status, run.finished_at, run.error_type
    from scheduler.invocations as run
    where run.finished_at is not null and not run.dry_run and run.status <> 'skipped'
      and run.status_reason is distinct from 'unknown_job'
    order by run.requested_at desc
    limit 1
  ),
  unended as (
    select count(*) as runs, min(run.started_at) as oldest
    from scheduler.invocations as run
    where run.status = 'running' and coalesce(run.heartbeat_at, run.started_at) < now() - scheduler.heartbeat_limit()
  )
  select
    'roster',
    case when exists (select from scheduler.tracked_sources as t where t.kind = 'roster') then 'ok' else 'fail' end,
    coalesce(
      (
        select format('%s active mentors in %s organisations, from %s',
          coalesce(sum(o.active_mentors), 0), count(*) filter (where o.active_mentors > 0),
          (select t.source from scheduler.tracked_sources as t where t.kind = 'roster'))
        from scheduler.organisation_state as o
        having exists (select from scheduler.tracked_sources as t where t.kind = 'roster')
      ),
      'no roster is tracked: call scheduler.track_roster'
    )

  union all
  select
    'activity',
    case when count(*) > 0 then 'ok' else 'fail' end,
    coalesce('from ' || string_agg(t.source::pg_catalog.text, ', ' order by t.id), 'no activity is tracked: call scheduler.track_activity')
  from scheduler.tracked_sources as t
  where t.kind = 'activity'

  union all
  select
    'time zones',
    case when count(*) = 0 then 'ok' else 'warn' end,
    coalesce(
      'missing or invalid, the fallback is used: '
        || string_agg(zone.owner || ' ' || coalesce(quote_literal(zone.timezone), 'null'), ', ' order by zone.owner),
      'all valid'
    )
  from zone

  union all
  select
    'scenario ' || scenario.scenario_type,
    case when config.id is null or template.written = 0 then 'warn' else 'ok' end,
    case
      when config.id is null then 'has no default row in scenario_config, so it runs only where an organisation has one'
      when template.written = 0 then 'has no default template in nb or en: mentors without one of their own get no push'
      when not config.enabled then 'switched off by default'
      when config.last_evaluated_at is null then 'not evaluated yet'
      else format('last evaluated at %s: %s mentors, %s candidates',
        config.last_evaluated_at, config.last_evaluated_count, config.last_candidate_count)
    end
  from scheduler.scenarios as scenario
  left join scheduler.scenario_config as config
    on config.scenario_type = scenario.scenario_type and config.organisation_id is null
  cross join lateral (
    select count(*) as written
    from scheduler.scenario_templates as t
    where t.scenario_type = scenario.scenario_type and t.organisation_id is null and t.locale in ('nb', 'en')
  ) as template

  union all
  select
    'paused',
    case when count(*) = 0 then 'ok' else 'warn' end,
    coalesce(
      string_agg(
        format('%s since %s by %s (%s)',
          coalesce(pause.job_name, 'organisation ' || pause.organisation_id, 'everything'),
          pause.paused_at::pg_catalog.timestamptz(0), pause.paused_by, coalesce(pause.reason, 'no reason given')),
        ', ' order by pause.organisation_id nulls first, pause.job_name nulls first
      ),
      'nothing is paused'
    )
  from scheduler.pauses as pause
  where pause.resumed_at is null

  union all
  select
    'last evaluation',
    case when last_run.started_at > now() - interval '26 hours' then 'ok' else 'warn' end,
    case
      when last_run.started_at is null then 'none yet: select run_scenario_evaluation();'
      else format('%s: %s candidates, %s suppressed', last_run.started_at, last_run.total_candidates, last_run.total_suppressed)
    end
  from (select) as one
  left join last_run on true

  union all
  select
    'last run',
    case when last_ending.status = 'failed' then 'warn' else 'ok' end,
    case
      when last_ending.status is null then 'none yet'
      else format('%s ended as %s at %s%s', last_ending.job_name, last_ending.status,
        last_ending.finished_at::pg_catalog.timestamptz(0), ': ' || last_ending.error_type)
    end
  from (select) as one
  left join last_ending on true

  union all
  select
    'unended runs',
    case when unended.runs = 0 then 'ok' else 'warn' end,
    case
      when unended.runs = 0 then 'every run has ended, or began just now'
      else format('%s still running since %s: their function was killed. What they held is taken over when its lease ends',
        unended.runs, unended.oldest::pg_catalog.timestamptz(0))
    end
  from unended

  union all
  select
    'outbox',
    case when outbox.too_late > 0 or outbox.overdue > 0 then 'warn' else 'ok' end,
    case
      when outbox.pending = 0 then 'nothing pending'
      else format('%s pending, the oldest since %s', outbox.pending, outbox.oldest)
    end
      || case when outbox.overdue > 0 then format(', %s due for more than a quarter of an hour: nothing is sending', outbox.overdue) else '' end
      || case when outbox.too_late > 0 then format(', %s past their expiry', outbox.too_late) else '' end
  from outbox

  union all
  select
    'sending',
    case when count(*) = 0 then 'ok' else 'warn' end,
    case
      when count(*) = 0 then 'no lease has run out'
      else format('claimed and never recorded: %s, since %s. A sender was killed or stalled; the next one takes over',
        count(*), min(held.lease_expires_at)::pg_catalog.timestamptz(0))
    end
  from scheduler.notifications as held
  where held.due_at < now() and held.status = 'sending'

  union all
  select
    'given up',
    case when parked.dead + parked.quarantined = 0 then 'ok' else 'warn' end,
    case
      when parked.dead + parked.quarantined = 0 then 'nothing dead or quarantined'
      else format('%s dead, %s quarantined: see scheduler.push_attempts for why, then select * from scheduler.requeue_notifications();',
        parked.dead, parked.quarantined)
    end
  from parked

  union all
  select
    'devices',
    case when refused.devices = 0 then 'ok' else 'warn' end,
    case
      when refused.devices = 0 then 'no refused device is offered any more'
      else format('refused for good in the last week and still in scheduler.device: %s. Let scheduler.disable_devices put them away in a table of your own',
        refused.devices)
    end
  from refused

  union all
  select state.* from scheduler.status_of_state() as state
  union all
  select platform.* from scheduler.status_of_platform() as platform
  union all
  select job.* from scheduler.status_of_jobs() as job
  union all
  select request.* from scheduler.status_of_requests() as request;
$$;

comment on function public.scheduler_status() is
  'An operator''s first look: each component with ok, warn or fail, and what to do.';

create or replace function scheduler.see_responses(at timestamptz)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if to_regclass('net._http_response') is null then
    return;
  end if;
  with seen as (
    update scheduler.requests as request
    set outcome = found.outcome, http_status = found.status_code, error = found.error, seen_at = see_responses.at
    from (
      select
        open.id,
        response.status_code,
        case
          -- pg_net's numbers begin anew when its unlogged tables are lost.
          when exists (
            select from scheduler.requests as newer where newer.request_id = open.request_id and newer.id > open.id
          ) then 'lost'
          when response.timed_out then 'timed_out'
          when response.status_code between 200 and 299 then 'accepted'
          when response.status_code is not null then 'refused'
          when response.id is not null then 'unreachable'
          -- pg_net takes a batch from the queue and writes its answers in one
          -- transaction, so what is in neither was lost; or its answer is gone, after hours.
          when waiting.id is null then case when run.started_at is null then 'lost' else 'accepted' end
          when open.asked_at < see_responses.at - coalesce(job.timeout, interval '0') - interval '2 minutes' then 'unanswered'
        end as outcome,
        case
          when response.status_code is not null then substring(response.content from '"type"\s*:\s*"([a-z_]{1,40})"')
          else left(response.error_msg, 200)
        end as error
      from scheduler.requests as open
      join scheduler.invocations as run on run.id = open.invocation_id
      left join scheduler.jobs as job on job.job_name = run.job_name
      -- created is when the worker's transaction began, which may be just before the request came.
      left join net._http_response as response
        on response.id = open.request_id and response.created >= open.asked_at - interval '1 minute'
      left join net.http_request_queue as waiting on waiting.id = open.request_id
      where open.outcome is null
    ) as found
    where request.id = found.id and found.outcome is not null
    returning request.invocation_id, request.request_id, request.http_status
  )
  update scheduler.invocations as run
  set http_status = seen.http_status
  from seen
  where run.id = seen.invocation_id and run.request_id = seen.request_id;
end;
$$;

comment on function scheduler.see_responses(timestamptz) is
  'Writes to scheduler.requests what became of those that are out, as far as pg_net''s tables say.';

create or replace function scheduler.sign_webhook(webhook_id text, asked_at timestamptz, body text, secret text)
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  stamp constant text := floor(extract(epoch from asked_at))::bigint::text;
  signature bytea;
begin
  -- In schema extensions on the platform; elsewhere in projects that had pgcrypto before.
  execute format(
    'select %s.hmac($1, $2, ''sha256'')',
    (select e.extnamespace::regnamespace from pg_catalog.pg_extension as e where e.extname = 'pgcrypto')
  )
  into signature
  using convert_to(webhook_id || '.' || stamp || '.' || body, 'UTF8'), decode(secret, 'hex');
  return jsonb_build_object(
    'webhook-id', webhook_id,
    'webhook-timestamp', stamp,
    'webhook-signature', 'v1,' || encode(signature, 'base64')
  );
end;
$$;

comment on function scheduler.sign_webhook(text, timestamptz, text, text) is
  'The headers of a signed request, as Standard Webhooks says. The secret, in hex, is not among them.';

create or replace function scheduler.skip_run(job_name text, scheduled_for timestamptz, reason text, triggered_by text)
returns uuid
language sql
set search_path = pg_catalog, pg_temp
as $$
  insert into scheduler.invocations (id, job_name, status, status_reason, triggered_by, scheduled_for, finished_at)
  values (gen_random_uuid(), job_name, 'skipped', reason, triggered_by, scheduled_for, clock_timestamp())
  returning id;
$$;

comment on function scheduler.skip_run(text, timestamptz, text, text) is
  'Leaves a row in the ledger for a tick that starts nothing, with the reason.';

create or replace function public.start_invocation(
  job_name text,
  invocation_id uuid default null,
  triggered_by text default null,
  scheduled_for timestamptz default null,
  webhook_id text default null,
  scenarios text[] default null,
  organisation_ids uuid[] default null,
  dry_run boolean default false
)
returns table (id uuid, started boolean)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  run_id pg_catalog.uuid := coalesce(invocation_id, gen_random_uuid());
  ledger_job pg_catalog.text;
  hindrance pg_catalog.text;
begin
  if job_name is null then
    raise exception 'job_name must not be null'
      using errcode = 'null_value_not_allowed', hint = 'Name the job that runs, scenario-evaluation for example.';
  end if;
  if not exists (
    select from scheduler.jobs as known
    where known.kind = 'edge' and start_invocation.job_name in (known.job_name, known.target)
  ) then
    return query
    select
      scheduler.refuse_job(
        job_name => start_invocation.job_name,
        invocation_id => start_invocation.invocation_id,
        triggered_by => start_invocation.triggered_by,
        webhook_id => start_invocation.webhook_id
      ),
      false;
    return;
  end if;
  perform scheduler.check_evaluation_arguments(scenarios => scenarios, as_of => now(), dry_run => dry_run);
  perform scheduler.check_organisations(organisation_ids);

  -- A run that the database asked for has its row already, under the name of its job there.
  ledger_job := coalesce(
    (select requested.job_name from scheduler.invocations as requested where requested.id = run_id),
    start_invocation.job_name
  );
  perform scheduler.abandon_dead_runs(job_name => ledger_job);

  -- Where another request comes in between, a unique key says so, and the next look which.
  for look in 1..3 loop
    -- A request that comes twice, by its own id or the run's, runs once.
    return query
    select repeated.id, false
    from scheduler.invocations as repeated
    where (repeated.id = run_id and repeated.status <> 'requested')
      or (repeated.webhook_id = start_invocation.webhook_id and repeated.id <> run_id)
    limit 1;
    if found then
      return;
    end if;

    hindrance := case
      when exists (
        select from scheduler.invocations as other
        where not start_invocation.dry_run
          and not other.dry_run
          and other.job_name = ledger_job
          and other.scheduled_for = start_invocation.scheduled_for
          and other.retry_of is null
          and other.status <> 'skipped'
          and other.status_reason is distinct from 'not_configured'
          and other.id <> run_id
          and not exists (select from scheduler.invocations as asked where asked.id = run_id)
      ) then 'duplicate_tick'
      when not start_invocation.dry_run and exists (
        select from scheduler.invocations as other
        where other.job_name = ledger_job and other.status = 'running' and not other.dry_run
      ) then 'overlap'
    end;
    begin
      return query
      insert into scheduler.invocations as invocation (
        id, job_name, status, status_reason, triggered_by, scheduled_for, webhook_id, scenarios, organisation_ids, dry_run,
        started_at, heartbeat_at, finished_at, total_active_mentors, total_evaluated, total_suppressed
      )
      select
        run_id,
        ledger_job,
        case when hindrance is null then 'running' else 'skipped' end,
        hindrance,
        start_invocation.triggered_by,
        start_invocation.scheduled_for,
        start_invocation.webhook_id,
        start_invocation.scenarios,
        start_invocation.organisation_ids,
        start_invocation.dry_run,
        case when hindrance is null then clock_timestamp() end,
        case when hindrance is null then clock_timestamp() end,
        case when hindrance is not null then clock_timestamp() end,
        (select coalesce(sum(organisation.active_mentors), 0) from scheduler.organisation_state as organisation),
        foreseen.evaluated,
        foreseen.suppressed
      from (select) as one
      left join lateral (
        select evaluation.*
        from scheduler.foresee_evaluation(
          scenarios => start_invocation.scenarios, organisation_ids => start_invocation.organisation_ids
        ) as evaluation
        where start_invocation.dry_run and start_invocation.job_name = 'scenario-evaluation'
      ) as foreseen on true
      on conflict on constraint invocations_pkey do update set
        status = excluded.status,
        status_reason = excluded.status_reason,
        webhook_id = excluded.webhook_id,
        started_at = excluded.started_at,
        heartbeat_at = excluded.heartbeat_at,
        finished_at = excluded.finished_at,
        total_active_mentors = excluded.total_active_mentors,
        total_evaluated = excluded.total_evaluated,
        total_suppressed = excluded.total_suppressed
      where invocation.status = 'requested'
      returning invocation.id, invocation.status = 'running';
      if found then
        return;
      end if;
    exception
      when unique_violation then
        continue;
    end;
  end loop;
  raise exception 'the run could not be started: others come in between'
    using errcode = 'serialization_failure', hint = 'Try again.';
end;
$$;

comment on function public.start_invocation(text, uuid, text, timestamptz, text, text[], uuid[], boolean) is
  'Opens a run in the ledger, or begins the one that the database asked for. started is false where the same request, by its invocation_id or webhook_id, ran before: its id is returned; and where the ledger says why there is no run: skipped, because one is on or the tick had one, or failed, because there is no such job.';

create or replace function scheduler.status_of_jobs()
returns setof scheduler.component_status
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select
    'job ' || job.job_name,
    case
      when not job.enabled or job.schedule is null then 'ok'
      when entry.jobid is null or not entry.ours or entry.schedule <> job.schedule then 'fail'
      when pause.id is not null then 'warn'
      when not entry.active then 'fail'
      when overdue.tick is not null then 'fail'
      when last_run.status in ('failed', 'abandoned') and (job.catch_up is not null or last_run.at > now() - interval '1 hour') then 'warn'
      else 'ok'
    end,
    case
      when not job.enabled then 'switched off (' || coalesce(job.notes, job.target) || ')'
      when job.schedule is null then 'runs only when asked for: select scheduler.run_job(' || quote_literal(job.job_name) || ');'
      when entry.jobid is null then format('pg_cron has no entry %s: select * from scheduler.apply_schedules();', job.cron_name)
      when not entry.ours then format('pg_cron''s entry %s is somebody else''s: give the job another cron_name in scheduler.jobs', job.cron_name)
      when entry.schedule <> job.schedule then format('pg_cron has it on %s instead of %s: select * from scheduler.apply_schedules();',
        quote_literal(entry.schedule), quote_literal(job.schedule))
      when pause.id is not null then format('paused since %s by %s (%s): select scheduler.resume(%s);',
        pause.paused_at::timestamptz(0), pause.paused_by, coalesce(pause.reason, 'no reason given'),
        coalesce(quote_literal(pause.job_name), ''))
      when not entry.active then 'pg_cron''s entry is not active: select * from scheduler.apply_schedules();'
      when overdue.tick is not null then format('its tick of %s did not come: does pg_cron run, and in this database? select * from cron.job_run_details order by runid desc limit 5;',
        overdue.tick)
      when last_run.status in ('failed', 'abandoned') then format('last run %s at %s: %s. Next at %s',
        last_run.status, last_run.at, coalesce(last_run.error_message, last_run.error_type, 'no more is known'), upcoming.said)
      when last_run.status is null then 'no run yet. Next at ' || upcoming.said
      else format('last run %s at %s, %s ago. Next at %s', last_run.status, last_run.at,
        date_trunc('second', now() - last_run.at), upcoming.said)
    end
  from scheduler.jobs as job
  left join scheduler.cron_entries() as entry on entry.jobname = job.cron_name
  left join lateral (
    select open.*
    from scheduler.pauses as open
    where open.resumed_at is null
      and open.organisation_id is null
      and coalesce(open.job_name, job.job_name) = job.job_name
    order by open.job_name nulls first
    limit 1
  ) as pause on true
  left join lateral (
    select late.tick
    from (select scheduler.previous_tick(job.schedule, now() - interval '5 minutes') as tick) as late
    where late.tick > job.last_tick_for
  ) as overdue on job.schedule is not null
  left join lateral (
    select run.status, coalesce(run.finished_at, run.started_at, run.requested_at)::timestamptz(0) as at, run.error_type, run.error_message
    from scheduler.invocations as run
    where run.job_name = job.job_name and not run.dry_run and run.status <> 'skipped'
    order by run.requested_at desc
    limit 1
  ) as last_run on true
  left join lateral (
    select to_char(next.tick at time zone 'UTC', 'YYYY-MM-DD HH24:MI') || ' UTC ('
      || to_char(next.tick at time zone 'Europe/Oslo', 'HH24:MI') || ' in Oslo)' as said
    from (select scheduler.next_tick(job.schedule, now()) as tick) as next
  ) as upcoming on job.schedule is not null
  order by job.job_name;
$$;

comment on function scheduler.status_of_jobs() is
  'For scheduler_status(): each job''s entry of pg_cron, pause, last run and next tick.';

create or replace function scheduler.status_of_platform()
returns setof scheduler.component_status
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  url constant text := scheduler.read_secret('scenario_scheduler_url');
  secret constant text := scheduler.read_secret('scenario_scheduler_secret');
  problems constant text[] := array_remove(array[scheduler.edge_url_problem(url), scheduler.edge_secret_problem(secret)], null);
begin
  return query
  select
    'pg_cron',
    case
      when to_regclass('cron.job') is null then 'fail'
      when coalesce(current_setting('cron.timezone', true), 'GMT') not in ('GMT', 'UTC', 'Etc/UTC') then 'fail'
      else 'ok'
    end,
    case
      when to_regclass('cron.job') is null then 'not enabled, so nothing runs by itself: create extension pg_cron; select * from scheduler.apply_schedules();'
      when coalesce(current_setting('cron.timezone', true), 'GMT') not in ('GMT', 'UTC', 'Etc/UTC')
        then format('its clock is %s, and schedules are meant in UTC: set cron.timezone to GMT', current_setting('cron.timezone', true))
      else (select count(*) || ' entries of this project, in UTC' from scheduler.cron_entries() as entry where entry.ours)
    end

  union all
  select
    'pg_net',
    case when to_regclass('net.http_request_queue') is null then 'fail' else 'ok' end,
    case
      when to_regclass('net.http_request_queue') is null then 'not enabled, so nothing is sent: create extension pg_net;'
      else 'enabled'
    end

  union all
  select
    'vault',
    case when problems = '{}' then 'ok' else 'fail' end,
    case
      when to_regclass('vault.secrets') is null then 'there is no Vault: create extension supabase_vault;'
      when problems = '{}' then 'url and secret of the function are set'
      else array_to_string(problems, '; ') || ': select scheduler.configure_edge(url => ''…'', secret => ''…'');'
    end

  union all
  select
    'extensions',
    case when bool_or(installed.extname = 'pgcrypto') then 'ok' else 'fail' end,
    string_agg(wanted.name || ' ' || coalesce(installed.extversion, 'is not one here'), ', ' order by wanted.name)
      || case when bool_or(installed.extname = 'pgcrypto') then '' else ': requests can''t be signed: create extension pgcrypto with schema extensions;' end
  from (values ('pg_cron'), ('pg_net'), ('supabase_vault'), ('pgcrypto')) as wanted (name)
  left join pg_catalog.pg_extension as installed on installed.extname = wanted.name;
end;
$$;

comment on function scheduler.status_of_platform() is
  'For scheduler_status(): what is needed of the platform, and whether it is there.';

create or replace function scheduler.status_of_requests()
returns setof scheduler.component_status
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  with waiting as (
    select count(*) as requests, min(request.asked_at)::timestamptz(0) as oldest
    from scheduler.requests as request
    where request.outcome is null and request.asked_at < now() - interval '3 minutes'
  ),
  gone_wrong as (
    select
      count(*) as requests,
      string_agg(
        distinct case
          when request.outcome = 'accepted' then format('answered %s, but no run began', request.http_status)
          else concat_ws(' ', request.outcome, request.http_status, request.error)
        end, ', '
      ) as how
    from scheduler.invocations as run
    join scheduler.requests as request on request.invocation_id = run.id
    where run.requested_at > now() - interval '1 day'
      and (
        request.outcome <> 'accepted'
        or request.attempt < run.attempt
        or (run.started_at is null and run.status = 'failed')
      )
  ),
  given_up as (
    select count(*) as runs, string_agg(distinct run.error_message, '; ') as how
    from scheduler.invocations as run
    where run.requested_at > now() - interval '1 day'
      and run.status = 'failed'
      and run.started_at is null
      and not run.dry_run
      and not exists (
        select from scheduler.invocations as later
        where later.job_name = run.job_name and later.requested_at > run.requested_at and later.status in ('completed', 'partial')
      )
  )
  select
    'requests',
    case when waiting.requests > 0 or given_up.runs > 0 then 'fail' when gone_wrong.requests > 0 then 'warn' else 'ok' end,
    case
      when waiting.requests > 0 then format('%s not made since %s: does pg_net''s worker run? select net.worker_restart();', waiting.requests, waiting.oldest)
      when given_up.runs > 0 then format('runs given up in the last day: %s (%s). select * from scheduler.run_history; then select scheduler.run_job(…);',
        given_up.runs, given_up.how)
      when gone_wrong.requests > 0 then format('of the last day %s went wrong and were made again: %s', gone_wrong.requests, gone_wrong.how)
      else 'none of the last day went wrong'
    end
  from waiting, gone_wrong, given_up;
$$;

comment on function scheduler.status_of_requests() is
  'For scheduler_status(): requests that are not made, went wrong or were given up.';

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

create or replace function scheduler.sweep_invocations(older_than timestamptz, looked_at integer)
returns bigint
language sql
set search_path = pg_catalog, pg_temp
as $$
  with gone as (
    delete from scheduler.invocations as run
    where run.id in (
      select old.id
      from scheduler.invocations as old
      where old.requested_at < older_than and old.status not in ('requested', 'running')
      order by old.requested_at
      limit looked_at
    )
    returning run.id
  )
  select count(*) from gone;
$$;

comment on function scheduler.sweep_invocations(timestamptz, integer) is
  'Deletes old runs that have ended, with their requests, at most so many.';

create or replace function scheduler.sweep_notifications(older_than timestamptz, looked_at integer)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
set datestyle = 'ISO'
as $$
declare
  last_looked_at bigint;
  swept bigint;
begin
  with looked as materialized (
    select notification.id, notification.user_id, notification.scenario_type, notification.occurrence_key,
      notification.status, notification.created_at
    from scheduler.notifications as notification
    where notification.id > (select rule.swept_to from scheduler.retention as rule where rule.kept = 'notifications')
    order by notification.id
    limit looked_at
  ),
  outlived as (
    select looked.id
    from looked
    left join scheduler.mentor_state as mentor on mentor.user_id = looked.user_id and mentor.on_roster
    where looked.created_at < older_than
      and looked.status not in ('pending', 'sending', 'dead', 'quarantined')
      and not exists (
        select from scheduler.scenario_cooldowns as cooldown
        where cooldown.notification_id = looked.id and cooldown.cooldown_until >= (now() at time zone 'UTC')::date
      )
      -- What a decision may rest on still is kept: reminders of a silence that lasts, and milestones.
      and (
        mentor.user_id is null
        or (looked.scenario_type = 'inactivity' and split_part(looked.occurrence_key, ':', 2) <> mentor.silent_since::text)
        or (looked.scenario_type = 'expiry' and split_part(looked.occurrence_key, ':', 2) < (older_than at time zone 'UTC')::date::text)
      )
  ),
  window_gone as (
    delete from scheduler.scenario_cooldowns as cooldown
    where cooldown.notification_id in (select outlived.id from outlived)
  ),
  gone as (
    delete from scheduler.notifications as notification
    where notification.id in (select outlived.id from outlived)
    returning notification.id
  )
  select
    (select count(*) from gone),
    case when count(*) = looked_at and min(looked.created_at) < older_than then max(looked.id) else 0 end
  into swept, last_looked_at
  from looked;
  update scheduler.retention as rule set swept_to = last_looked_at where rule.kept = 'notifications';
  return swept;
end;
$$;

comment on function scheduler.sweep_notifications(timestamptz, integer) is
  'Deletes old notifications on which no decision rests any more, with their windows, looking at so many from where the last sweep stopped.';

create or replace function scheduler.sweep_push_attempts(older_than timestamptz, looked_at integer)
returns bigint
language sql
set search_path = pg_catalog, pg_temp
as $$
  -- Ids grow with time: the oldest come first, and what is young is not looked at.
  with gone as (
    delete from scheduler.push_attempts as attempt
    where attempt.attempted_at < older_than
      and attempt.id in (select oldest.id from scheduler.push_attempts as oldest order by oldest.id limit looked_at)
      and not exists (
        select from scheduler.notifications as notification
        where notification.id = attempt.notification_id and notification.status in ('pending', 'sending')
      )
    returning attempt.id
  )
  select count(*) from gone;
$$;

comment on function scheduler.sweep_push_attempts(timestamptz, integer) is
  'Deletes old push attempts, at most so many.';

create or replace function scheduler.tick(cron_name text, at timestamptz default now())
returns table (job_name text, invocation_id uuid, status text)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  looks_after boolean;
  made_up text;
  due record;
  run_id uuid;
begin
  if not exists (select from scheduler.jobs as job where job.cron_name = tick.cron_name) then
    raise exception 'no job has the entry %', coalesce(quote_literal(cron_name), 'null')
      using errcode = 'invalid_parameter_value', hint = 'select * from scheduler.apply_schedules(); takes away entries that have no job.';
  end if;
  -- The entry that comes every minute looks after all of them. An SQL job that was
  -- missed has a tick to itself: it may take long, and would hold what was written.
  looks_after := exists (
    select from scheduler.jobs as job where job.cron_name = tick.cron_name and job.target = 'dispatch-backlog'
  );
  made_up := case when looks_after then (
    select job.job_name
    from scheduler.jobs as job
    where job.kind = 'sql'
      and job.enabled
      and job.catch_up is not null
      and not scheduler.is_paused(job.job_name)
      and scheduler.previous_tick(job.schedule, tick.at - interval '2 minutes') > job.last_tick_for
    order by job.job_name
    limit 1
    for update skip locked
  ) end;
  if looks_after and made_up is null then
    begin
      perform from scheduler.reconcile_requests(at => tick.at);
    exception
      -- What is due now is not to wait for what went wrong before.
      when others then
        raise warning 'requests could not be looked after: %', sqlerrm
          using hint = 'select * from scheduler.reconcile_requests(); shows the whole error.';
    end;
  end if;

  for due in
    select job.job_name, job.target, job.catch_up, moment.scheduled_for, job.cron_name <> tick.cron_name as missed
    from scheduler.jobs as job
    -- Another entry's own tick may come a little late.
    cross join lateral (
      select scheduler.previous_tick(
        job.schedule, case when job.cron_name = tick.cron_name then tick.at else tick.at - interval '2 minutes' end
      ) as scheduled_for
    ) as moment
    where job.enabled
      and job.schedule is not null
      and not scheduler.is_paused(job.job_name)
      and case
        when made_up is not null then job.job_name = made_up
        when job.cron_name = tick.cron_name then true
        else looks_after and job.kind = 'edge' and job.catch_up is not null and moment.scheduled_for > job.last_tick_for
      end
    -- SQL jobs first: a request goes out when this commits, and its signature is not to be old by then.
    order by job.kind desc, job.job_name
  loop
    if due.missed then
      perform from scheduler.jobs as job
      where job.job_name = due.job_name and job.last_tick_for < due.scheduled_for
      for update skip locked;
      continue when not found; -- somebody is at it
    end if;
    update scheduler.jobs as job
    set last_tick_for = greatest(job.last_tick_for, due.scheduled_for)
    where job.job_name = due.job_name;
    -- The minute's tick looks once, by index, and mostly that is all.
    continue when due.target = 'dispatch-backlog'
      and not exists (select from scheduler.notifications as waiting where waiting.due_at <= now());

    -- Each job by itself: what goes wrong with one is not to keep the others.
    begin
      run_id := case
        when due.missed and due.scheduled_for < tick.at - due.catch_up then
          scheduler.skip_run(job_name => due.job_name, scheduled_for => due.scheduled_for, reason => 'missed', triggered_by => 'catch_up')
        else
          scheduler.run_job(
            job_name => due.job_name,
            scheduled_for => due.scheduled_for,
            triggered_by => case when due.missed then 'catch_up' else 'pg_cron' end
          )
      end;
    exception
      when others then
        raise warning 'job % could not be started: %', due.job_name, sqlerrm;
        insert into scheduler.invocations (id, job_name, status, triggered_by, scheduled_for, finished_at, error_type, error_message)
        values (
          gen_random_uuid(), due.job_name, 'failed', 'pg_cron', due.scheduled_for, clock_timestamp(), 'database_error',
          format('could not be started: the database answered %s; its log says more', sqlstate)
        )
        on conflict do nothing
        returning id into run_id;
    end;
    return query
    select run.job_name, run.id, run.status from scheduler.invocations as run where run.id = run_id;
  end loop;
end;
$$;

comment on function scheduler.tick(text, timestamptz) is
  'What pg_cron calls: starts the jobs of the entry. The one of every minute also looks after the requests that are out and makes up for ticks of others that were missed.';

create or replace function scheduler.wait_before_asking(attempt integer, catch_up interval)
returns interval
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select case
    when attempt > 3 then null
    when catch_up is null then interval '0'
    else (array[interval '0', interval '10 minutes', catch_up / 4])[attempt]
  end;
$$;

comment on function scheduler.wait_before_asking(integer, interval) is
  'How long to wait, after the function was asked so many times in vain, before it is asked again; null: no more. A job that has its next tick in a minute does not wait.';

reset check_function_bodies;

select scheduler.refresh_sources();
select scheduler.apply_privileges();
