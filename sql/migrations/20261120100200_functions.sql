-- Written by `make migration` from sql/functions. Change the functions there.

set lock_timeout = '5s';
set check_function_bodies = off;

create or replace function scheduler.add_default_config()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into scheduler.scenario_config (scenario_type, params)
  values (new.scenario_type, new.default_params)
  on conflict on constraint one_config_per_organisation_and_scenario do nothing;
  return null;
end;
$$;

comment on function scheduler.add_default_config() is
  'Gives a new scenario its default configuration, so that one row registers it.';

create or replace function scheduler.apply_privileges()
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  project_function regprocedure;
  entry_points constant text[] := array[
    'run_scenario_evaluation', 'explain_scenario_evaluation', 'scheduler_status'
  ];
begin
  revoke all on schema scheduler from public, anon, authenticated;
  revoke all on all tables in schema scheduler from public, anon, authenticated;
  revoke all on all sequences in schema scheduler from public, anon, authenticated;
  revoke all on all functions in schema scheduler from public, anon, authenticated;

  for project_function in
    select p.oid::regprocedure
    from pg_catalog.pg_proc as p
    where p.pronamespace = 'public'::regnamespace and p.proname = any (entry_points)
  loop
    execute format('revoke all on function %s from public, anon, authenticated', project_function);
    execute format('grant execute on function %s to service_role', project_function);
  end loop;
end;
$$;

comment on function scheduler.apply_privileges() is
  'Takes everything from public, anon and authenticated, whatever the default privileges gave, and lets service_role call the entry points. The last line of every migration that makes functions or tables in scheduler.';

create or replace function scheduler.check_condition(source regclass, condition text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  execute format('select from %s as recorded where (%s) limit 0', source, condition);
  -- Refuses what is a condition only because of the brackets around it.
  execute format('select case when %s then 1 end from %s as recorded limit 0', condition, source);
  -- Rows are looked at when they are written, so the condition may depend on the
  -- row alone, not on the day or on other tables. An index asks the same.
  execute format('create temporary table scenario_scheduler_probe (like %s)', source);
  execute format('create index on pg_temp.scenario_scheduler_probe ((1)) where (%s)', condition);
  execute 'drop table pg_temp.scenario_scheduler_probe';
exception
  when others then
    raise exception 'the condition on % is not valid: %', source, condition
      using
        errcode = sqlstate,
        detail = sqlerrm,
        hint = 'It must be an SQL condition on the columns of one row, with immutable functions only, and your own named with their schema. What depends on the day or on other tables needs a column that is kept up to date.';
end;
$$;

comment on function scheduler.check_condition(regclass, text) is
  'Raises an error that shows the condition when it is not one that can be put to a row of the table.';

create or replace function scheduler.check_evaluation_arguments(scenarios text[], as_of timestamptz, dry_run boolean)
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  unknown text;
begin
  if as_of is null or not isfinite(as_of) then
    raise exception 'as_of must be a moment, not %', coalesce(as_of::text, 'null')
      using errcode = 'invalid_parameter_value', hint = 'Leave it out for now, or give one like ''2026-03-01 06:00+00''.';
  end if;
  if dry_run is null then
    raise exception 'dry_run must be true or false, not null'
      using errcode = 'null_value_not_allowed', hint = 'Leave it out to write candidates, or give true to only look.';
  end if;

  select coalesce(quote_literal(wanted.name), 'null') into unknown
  from unnest(scenarios) as wanted (name)
  where not exists (select from scheduler.scenarios as scenario where scenario.scenario_type = wanted.name)
  limit 1;
  if found then
    raise exception 'unknown scenario %', unknown
      using errcode = 'invalid_parameter_value', hint = scheduler.known_scenarios_hint();
  end if;
end;
$$;

comment on function scheduler.check_evaluation_arguments(text[], timestamptz, boolean) is
  'Raises an error that names the argument of an evaluation that can''t be used.';

create or replace function scheduler.check_organisation_settings()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if new.organisation_id is not null and (new.timezone is not null or new.locale is not null) then
    raise exception 'timezone and locale can only be set in the default settings, not for organisation %', new.organisation_id
      using errcode = 'invalid_parameter_value', hint = 'Those of an organisation come from the view scheduler.organisation.';
  end if;
  if new.timezone is not null and scheduler.usable_timezone(array[new.timezone]) <> new.timezone then
    raise exception 'unknown time zone %', quote_literal(new.timezone)
      using errcode = 'invalid_parameter_value', hint = 'Use a name from pg_timezone_names, like Europe/Oslo.';
  end if;
  return new;
end;
$$;

comment on function scheduler.check_organisation_settings() is
  'Refuses settings with a time zone that does not exist, or with a zone or locale where they do not belong.';

create or replace function scheduler.check_params(scenario_type text, kinds jsonb, params jsonb)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  whole constant text := '^[0-9]{1,6}$';
  wrong record;
begin
  if jsonb_typeof(params) is distinct from 'object' then
    raise exception 'params of % must be a JSON object, not %', scenario_type, coalesce(params::text, 'null')
      using errcode = 'invalid_parameter_value', hint = 'Write {} for the defaults.';
  end if;

  select given.key, given.value, kinds ->> given.key as kind
  into wrong
  from jsonb_each(params) as given
  where not coalesce(
    case kinds ->> given.key
      when 'count' then jsonb_typeof(given.value) = 'number' and given.value::text ~ whole and given.value <> '0'
      when 'count_or_null' then given.value = 'null'
        or (jsonb_typeof(given.value) = 'number' and given.value::text ~ whole and given.value <> '0')
      when 'counts' then jsonb_typeof(given.value) = 'array' and given.value <> '[]' and not exists (
        select from jsonb_array_elements(given.value) as item
        where jsonb_typeof(item) <> 'number' or item::text !~ whole or item = '0'
      )
      when 'days' then jsonb_typeof(given.value) = 'array' and given.value <> '[]' and not exists (
        select from jsonb_array_elements(given.value) as item
        where jsonb_typeof(item) <> 'number' or item::text !~ whole
      )
    end,
    false
  )
  order by given.key
  limit 1;

  if found and wrong.kind is null then
    raise exception '% has no parameter %', scenario_type, wrong.key
      using
        errcode = 'invalid_parameter_value',
        hint = format('Parameters of %s: %s.', scenario_type,
          (select string_agg(name, ', ' order by name) from jsonb_object_keys(kinds) as name));
  elsif found then
    raise exception 'parameter % of % must be %, not %',
      wrong.key, scenario_type,
      case wrong.kind
        when 'count' then 'a whole number of 1 or more'
        when 'count_or_null' then 'a whole number of 1 or more, or null for no limit'
        when 'counts' then 'a list of whole numbers of 1 or more, and not empty'
        else 'a list of whole numbers of 0 or more, and not empty'
      end,
      wrong.value
      using errcode = 'invalid_parameter_value', hint = format('The default is %s.', (
        select registered.default_params -> wrong.key from scheduler.scenarios as registered
        where registered.scenario_type = check_params.scenario_type
      ));
  end if;
end;
$$;

comment on function scheduler.check_params(text, jsonb, jsonb) is
  'Raises an error that names the first parameter that is unknown or has a value of the wrong kind.';

create or replace function scheduler.check_scenario()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if not exists (
    select from pg_proc as p
    where p.oid = to_regprocedure(new.detector || '(scheduler.evaluation_scope[], uuid[], boolean)')
      and p.prorettype = 'scheduler.occurrence'::regtype
      and p.proretset
  ) then
    raise exception 'scenario % names a detector that does not exist: %', new.scenario_type, new.detector
      using
        errcode = 'undefined_function',
        hint = 'Create a function (scheduler.evaluation_scope[], uuid[], boolean) returning setof scheduler.occurrence first, and name it with its schema.';
  end if;
  perform scheduler.check_params(
    scenario_type => new.scenario_type, kinds => new.param_kinds, params => new.default_params
  );
  return new;
end;
$$;

comment on function scheduler.check_scenario() is
  'Refuses a scenario whose detector does not exist or whose default parameters are invalid.';

create or replace function scheduler.check_scenario_config()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  scenario scheduler.scenarios;
begin
  select registered.* into scenario
  from scheduler.scenarios as registered
  where registered.scenario_type = new.scenario_type;
  if not found then
    raise exception 'unknown scenario %', coalesce(quote_literal(new.scenario_type), 'null')
      using
        errcode = 'invalid_parameter_value',
        hint = scheduler.known_scenarios_hint();
  end if;

  perform scheduler.check_params(
    scenario_type => new.scenario_type, kinds => scenario.param_kinds, params => new.params
  );
  new.cooldown_days := coalesce(new.cooldown_days, scenario.default_cooldown_days);
  new.priority := coalesce(new.priority, scenario.default_priority);
  new.ttl_hours := coalesce(new.ttl_hours, scenario.default_ttl_hours);
  return new;
end;
$$;

comment on function scheduler.check_scenario_config() is
  'Refuses parameters of the wrong kind when a configuration is written, and fills what it leaves out from the scenario.';

create or replace function scheduler.check_source_columns(source regclass, wanted jsonb)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  wrong record;
begin
  if source is null then
    raise exception 'no table given to track'
      using errcode = 'null_value_not_allowed', hint = 'Name it with its schema, like ''public.activities''.';
  end if;
  if (select c.relkind not in ('r', 'p') from pg_catalog.pg_class as c where c.oid = source) then
    raise exception '% is not a table', source
      using errcode = 'wrong_object_type', hint = 'Triggers keep the state current, so only ordinary and partitioned tables can be tracked.';
  end if;

  select column_.key as name, column_.value as types, a.atttypid::regtype::text as actual, a.attname is not null as present
  into wrong
  from jsonb_each(wanted) as column_
  left join pg_catalog.pg_attribute as a
    on a.attrelid = source and a.attname = column_.key and a.attnum > 0 and not a.attisdropped
  where a.attname is null or not column_.value ? a.atttypid::regtype::text
  order by column_.key
  limit 1;

  if found and not wrong.present then
    raise exception 'column % of % does not exist', quote_ident(wrong.name), source
      using
        errcode = 'undefined_column',
        hint = format('Columns of %s: %s.', source, (
          select string_agg(a.attname, ', ' order by a.attnum) from pg_catalog.pg_attribute as a
          where a.attrelid = source and a.attnum > 0 and not a.attisdropped
        ));
  elsif found then
    raise exception 'column % of % is of type %, which can''t be tracked here', quote_ident(wrong.name), source, wrong.actual
      using
        errcode = 'datatype_mismatch',
        hint = case
          when wrong.actual = 'timestamp with time zone' then format(
            'A moment has no date without a zone. Add one that says which: alter table %s add column %I date generated always as ((%I at time zone ''Europe/Oslo'')::date) stored;',
            source, wrong.name || '_date', wrong.name)
          else format('It must be %s.', (select string_agg(t, ' or ') from jsonb_array_elements_text(wrong.types) as t))
        end;
  end if;
end;
$$;

comment on function scheduler.check_source_columns(regclass, jsonb) is
  'Raises an error that names the first column that a tracked table lacks or has with another type.';

create or replace function scheduler.check_template()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  known text[] := (
    select scenario.placeholders from scheduler.scenarios as scenario
    where scenario.scenario_type = new.scenario_type
  );
  rest text := new.title || E'\n' || new.body;
  placeholder text;
begin
  if known is null then
    return new; -- the foreign key names the unknown scenario
  end if;

  foreach placeholder in array known loop
    rest := replace(rest, '{{' || placeholder || '}}', '');
  end loop;

  if rest ~ '[{}]' then
    raise exception 'the template for % in % has an unknown placeholder: %',
      new.scenario_type, new.locale, coalesce(substring(rest from '\{[^{}]*\{?[^{}]*\}*'), substring(rest from '[{}]+'))
      using
        errcode = 'invalid_parameter_value',
        hint = case
          when cardinality(known) = 0 then 'This scenario has no placeholders.'
          else format('Placeholders of this scenario: {{%s}}.', array_to_string(known, '}}, {{'))
        end;
  end if;
  return new;
end;
$$;

comment on function scheduler.check_template() is
  'Refuses a template that mentions anything but the placeholders of its scenario.';

create or replace function scheduler.compile_template(template text, placeholders text[])
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  compiled text := replace(template, '%', '%%');
begin
  for position in 1 .. cardinality(placeholders) loop
    compiled := replace(compiled, '{{' || placeholders[position] || '}}', '%' || position || '$s');
  end loop;
  return compiled;
end;
$$;

comment on function scheduler.compile_template(text, text[]) is
  'A template as a format string, with the n-th placeholder as %n$s: one format() then renders a row.';

create or replace function scheduler.count_resting(scopes scheduler.evaluation_scope[])
returns table (reason text, mentors bigint)
language sql
stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_nestloop = on
set jit = off
as $$
  select
    case
      when exists (
        select from scheduler.preference as preference
        where preference.user_id = resting.user_id
          and preference.scenario_type = 'inactivity'
          and not preference.push_enabled
      ) then 'opted_out'
      when not exists (
        select from scheduler.device as device where device.user_id = resting.user_id
      ) then 'no_device'
      when resting.cooling then 'cooldown'
      else 'max_reminders'
    end,
    count(*)
  from unnest(scopes) as scope
  cross join lateral (
    select state.user_id, state.inactivity_rests_until > scope.evaluation_date as cooling
    from scheduler.mentor_state as state
    where state.active
      and state.organisation_id = scope.organisation_id
      and state.silent_since <= scope.evaluation_date - (scope.params ->> 'threshold_days')::integer
      and (
        state.inactivity_rests_until > scope.evaluation_date
        or state.inactivity_reminders >= (scope.params ->> 'max_reminders')::integer
      )
    offset 0
  ) as resting
  where scope.scenario_type = 'inactivity'
  group by 1;
$$;

comment on function scheduler.count_resting(scheduler.evaluation_scope[]) is
  'How many silent mentors detect_inactivity passes by in the index, by the reason that comes first.';

create or replace function scheduler.create_source_fold(source_id bigint)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  tracked scheduler.tracked_sources;
  fold_name constant text := 'fold_source_' || source_id;
begin
  select t.* into strict tracked from scheduler.tracked_sources as t where t.id = source_id;

  -- A function of its own for each source, with its columns written in: a
  -- generic one has to plan the statement anew at every insert, which made
  -- recording an activity twice as slow as this.
  execute format(
    $function$
create or replace function scheduler.%1$I()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $fold$
begin
  if tg_op = 'INSERT' and current_setting('scheduler.refolded', true) = 'on' then
    -- The same statement may have refolded a mentor with these rows in view already.
    perform scheduler.refold_mentors(array(select recorded.%2$I from new_rows as recorded));
  elsif tg_op = 'INSERT' then
    insert into scheduler.mentor_state as state (user_id, last_activity_on, activity_count)
    select recorded.%2$I, max(recorded.%3$I::date), count(*)
    from new_rows as recorded
    where recorded.%2$I is not null and recorded.%3$I between '0001-01-01' and '9999-12-31' and (%4$s)
    group by recorded.%2$I
    order by recorded.%2$I
    on conflict (user_id) do update set
      last_activity_on = greatest(state.last_activity_on, excluded.last_activity_on),
      activity_count = state.activity_count + excluded.activity_count,
      inactivity_reminders = case
        when excluded.last_activity_on <= state.last_activity_on then state.inactivity_reminders else 0
      end,
      milestone_by = case
        when state.activity_count + excluded.activity_count >= state.next_milestone
          then greatest(state.last_activity_on, excluded.last_activity_on)
        else state.milestone_by
      end,
      next_milestone = case
        when state.activity_count + excluded.activity_count >= state.next_milestone then (
          select min(m.milestone) from scheduler.milestones as m
          where m.milestone > state.activity_count + excluded.activity_count
        )
        else state.next_milestone
      end;
  elsif tg_op = 'UPDATE' then
    perform scheduler.refold_mentors(array(
      (
        select recorded.%2$I from (
          select before.%2$I, before.%3$I, before.counted
          from (select recorded.%2$I, recorded.%3$I, (%4$s) as counted from old_rows as recorded) as before
          except all
          select after.%2$I, after.%3$I, after.counted
          from (select recorded.%2$I, recorded.%3$I, (%4$s) as counted from new_rows as recorded) as after
        ) as recorded
      )
      union
      (
        select recorded.%2$I from (
          select after.%2$I, after.%3$I, after.counted
          from (select recorded.%2$I, recorded.%3$I, (%4$s) as counted from new_rows as recorded) as after
          except all
          select before.%2$I, before.%3$I, before.counted
          from (select recorded.%2$I, recorded.%3$I, (%4$s) as counted from old_rows as recorded) as before
        ) as recorded
      )
    ));
  else
    perform scheduler.refold_mentors(array(select recorded.%2$I from old_rows as recorded));
  end if;
  return null;
end;
$fold$
    $function$,
    fold_name, tracked.user_column, tracked.date_column, coalesce(tracked.condition, 'true')
  );
  execute format(
    'comment on function scheduler.%I() is %L',
    fold_name, format('Folds what is written to %s into mentor_state. Generated by create_source_fold.', tracked.source)
  );
  execute format('revoke all on function scheduler.%I() from public, anon, authenticated', fold_name);

  perform scheduler.create_source_triggers(
    source => tracked.source, kind => 'activity', fold => ('scheduler.' || fold_name)::regproc
  );
end;
$$;

comment on function scheduler.create_source_fold(bigint) is
  'Writes the trigger function that folds a tracked activity table, and its triggers.';

create or replace function scheduler.create_source_triggers(source regclass, kind text, fold regproc)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  execute format(
    'create or replace trigger %I after insert on %s referencing new table as new_rows for each statement execute function %s()',
    'scenario_scheduler_' || kind || '_insert', source, fold);
  execute format(
    'create or replace trigger %I after update on %s referencing old table as old_rows new table as new_rows for each statement execute function %s()',
    'scenario_scheduler_' || kind || '_update', source, fold);
  execute format(
    'create or replace trigger %I after delete on %s referencing old table as old_rows for each statement execute function %s()',
    'scenario_scheduler_' || kind || '_delete', source, fold);
  execute format(
    'create or replace trigger %I after truncate on %s for each statement execute function scheduler.fold_truncate()',
    'scenario_scheduler_' || kind || '_truncate', source);
end;
$$;

comment on function scheduler.create_source_triggers(regclass, text, regproc) is
  'Puts the four statement-level triggers on a tracked table that keep mentor_state current.';

create or replace function scheduler.derive_mentor_state()
returns table (
  user_id uuid,
  on_roster boolean,
  organisation_id uuid,
  active boolean,
  joined_on date,
  timezone text,
  locale text,
  last_activity_on date,
  activity_count integer,
  milestone_by date,
  next_milestone integer
)
language sql
stable
set search_path = pg_catalog, pg_temp
set work_mem = '64MB'
as $$
  with numbered as (
    select
      activity.user_id,
      activity.activity_date,
      row_number() over (partition by activity.user_id order by activity.activity_date) as ordinal
    from scheduler.activity as activity
  ),
  recorded as (
    select
      numbered.user_id,
      max(numbered.activity_date) as last_activity_on,
      count(*)::integer as activity_count,
      max(numbered.activity_date) filter (
        where numbered.ordinal in (select m.milestone from scheduler.milestones as m)
      ) as milestone_by
    from numbered
    group by numbered.user_id
  )
  select
    coalesce(mentor.user_id, recorded.user_id),
    mentor.user_id is not null,
    mentor.organisation_id,
    coalesce(mentor.active, false),
    mentor.joined_on,
    mentor.timezone,
    mentor.locale,
    recorded.last_activity_on,
    coalesce(recorded.activity_count, 0),
    recorded.milestone_by,
    (
      select min(m.milestone) from scheduler.milestones as m
      where m.milestone > coalesce(recorded.activity_count, 0) and mentor.user_id is not null
    )
  from scheduler.roster as mentor
  full join recorded on recorded.user_id = mentor.user_id;
$$;

comment on function scheduler.derive_mentor_state() is
  'The state of everybody as the sources have it. Reads all of them: for rebuilding and verifying.';

create or replace function scheduler.detect_expiry(
  scopes scheduler.evaluation_scope[],
  user_ids uuid[],
  explaining boolean
)
returns setof scheduler.occurrence
language sql
stable
rows 10000
set search_path = pg_catalog, pg_temp
set datestyle = 'ISO'
set enable_seqscan = off
set enable_nestloop = off
set jit = off
as $$
  with scope as materialized (
    select
      s.organisation_id,
      s.evaluation_date,
      array(select item::integer from jsonb_array_elements_text(s.params -> 'lead_days') as item) as lead_days,
      (select max(item::integer) from jsonb_array_elements_text(s.params -> 'lead_days') as item) as longest_lead
    from unnest(scopes) as s
  ),
  -- One index range over all organisations: their dates differ by a day at most, their leads by settings.
  horizon as materialized (
    select
      min(scope.evaluation_date) as first_day,
      max(scope.evaluation_date + scope.longest_lead) as last_day
    from scope
  ),
  holder as materialized (
    select state.user_id, state.organisation_id, near.expires_on
    from horizon
    cross join lateral (
      select distinct certification.user_id, certification.expires_on
      from scheduler.certification as certification
      where certification.expires_on between horizon.first_day and horizon.last_day
      offset 0
    ) as near
    cross join lateral (
      select mentor.user_id, mentor.organisation_id
      from scheduler.mentor_state as mentor
      where mentor.user_id = near.user_id and mentor.active
      offset 0
    ) as state
    where user_ids is null
  ),
  certified as (
    select scope.*, holder.user_id, holder.expires_on
    from holder
    join scope on scope.organisation_id = holder.organisation_id

    union all

    select scope.*, state.user_id, near.expires_on
    from (select distinct u.user_id from unnest(user_ids) as u (user_id)) as asked
    cross join lateral (
      select mentor.user_id, mentor.organisation_id
      from scheduler.mentor_state as mentor
      where mentor.user_id = asked.user_id and mentor.active
      offset 0
    ) as state
    join scope on scope.organisation_id = state.organisation_id
    left join lateral (
      select distinct certification.expires_on
      from scheduler.certification as certification
      where certification.user_id = asked.user_id
        and certification.expires_on between scope.evaluation_date and date '9999-12-31'
    ) as near on true
  ),
  near_expiry as materialized (
    select
      certified.*,
      certified.expires_on - certified.evaluation_date as days_left,
      (
        select min(lead) from unnest(certified.lead_days) as lead
        where certified.expires_on - certified.evaluation_date <= lead
      ) as lead
    from certified
    where certified.expires_on >= certified.evaluation_date or explaining
  ),
  judged as materialized (
    select
      near_expiry.*,
      near_expiry.lead is not null and exists (
        select from scheduler.notifications as sent
        where sent.user_id = near_expiry.user_id
          and sent.scenario_type = 'expiry'
          and sent.status <> 'cancelled'
          and sent.occurrence_key = 'expiry:' || near_expiry.expires_on || ':' || near_expiry.lead
      ) as done
    from near_expiry
    where near_expiry.lead is not null or explaining
  ),
  -- The earliest date that still needs a word; when explaining, else the earliest at all.
  first_choice as (
    select distinct on (judged.user_id) judged.*
    from judged
    where not judged.done or explaining
    order by judged.user_id, judged.done or judged.lead is null, judged.done desc, judged.expires_on
  )
  select
    'expiry',
    first_choice.user_id,
    first_choice.organisation_id,
    'expiry:' || first_choice.expires_on || ':' || first_choice.lead,
    first_choice.expires_on - first_choice.lead,
    first_choice.lead is not null and not first_choice.done,
    null,
    jsonb_build_object(
      'expires_on', first_choice.expires_on,
      'days_left', first_choice.days_left,
      'lead_days', first_choice.lead,
      'longest_lead', first_choice.longest_lead
    )
  from first_choice;
$$;

comment on function scheduler.detect_expiry(scheduler.evaluation_scope[], uuid[], boolean) is
  'Mentors with a certification that expires within a lead time, for the smallest such lead and the earliest date not yet notified.';

create or replace function scheduler.detect_inactivity(
  scopes scheduler.evaluation_scope[],
  user_ids uuid[],
  explaining boolean
)
returns setof scheduler.occurrence
language sql
stable
rows 10000
set search_path = pg_catalog, pg_temp
set datestyle = 'ISO'
set enable_seqscan = off
set enable_nestloop = on
set jit = off
as $$
  with scope as materialized (
    select
      s.organisation_id,
      s.evaluation_date,
      (s.params ->> 'threshold_days')::integer as threshold_days,
      (s.params ->> 'max_reminders')::integer as max_reminders
    from unnest(scopes) as s
  ),
  -- For everybody: the range of the index that is due, organisation by
  -- organisation. What rests is passed by inside the index.
  silent as (
    select scope.*, mentor.user_id, mentor.silent_since
    from scope
    cross join lateral (
      select state.user_id, state.silent_since
      from scheduler.mentor_state as state
      where state.active
        and state.organisation_id = scope.organisation_id
        and state.silent_since <= scope.evaluation_date - scope.threshold_days
        and state.inactivity_rests_until <= scope.evaluation_date
        and state.inactivity_reminders < coalesce(scope.max_reminders, 2147483647)
      offset 0
    ) as mentor
    where user_ids is null

    union all

    select scope.*, state.user_id, state.silent_since
    from (select distinct u.user_id from unnest(user_ids) as u (user_id)) as asked
    join scheduler.mentor_state as state on state.user_id = asked.user_id
    join scope on scope.organisation_id = state.organisation_id
    where state.active
      and (explaining or state.silent_since <= scope.evaluation_date - scope.threshold_days)
  )
  select
    'inactivity',
    silent.user_id,
    silent.organisation_id,
    'inactivity:' || silent.silent_since || ':' || reminder.number,
    silent.silent_since + silent.threshold_days,
    coalesce(silent.evaluation_date - silent.silent_since >= silent.threshold_days, false),
    case when reminder.number > silent.max_reminders then 'max_reminders' end,
    jsonb_build_object(
      'silent_since', silent.silent_since,
      'days_silent', silent.evaluation_date - silent.silent_since,
      'threshold_days', silent.threshold_days,
      'reminder', reminder.number,
      'max_reminders', silent.max_reminders
    )
  from silent
  cross join lateral (
    select coalesce(max(substring(sent.occurrence_key from ':([0-9]{1,9})$')::integer), 0) + 1 as number
    from scheduler.notifications as sent
    where sent.user_id = silent.user_id
      and sent.scenario_type = 'inactivity'
      and sent.status <> 'cancelled'
      and sent.occurrence_key like 'inactivity:' || silent.silent_since || ':%'
  ) as reminder;
$$;

comment on function scheduler.detect_inactivity(scheduler.evaluation_scope[], uuid[], boolean) is
  'Mentors who have been silent for threshold_days or more, with the number of the reminder that is next. Who rests is passed by, and counted by count_resting.';

create or replace function scheduler.detect_milestone(
  scopes scheduler.evaluation_scope[],
  user_ids uuid[],
  explaining boolean
)
returns setof scheduler.occurrence
language sql
stable
rows 10000
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_nestloop = on
set jit = off
as $$
  with scope as materialized (
    select
      s.organisation_id,
      s.evaluation_date,
      array(select item::integer from jsonb_array_elements_text(s.params -> 'milestones') as item) as milestones,
      (s.params ->> 'lookback_days')::integer as lookback_days
    from unnest(scopes) as s
  ),
  mentor as (
    select scope.*, state.user_id, state.activity_count
    from scope
    cross join lateral (
      select near.user_id, near.activity_count
      from scheduler.mentor_state as near
      where near.active
        and near.milestone_by is not null
        and near.organisation_id = scope.organisation_id
        and near.milestone_by > scope.evaluation_date - scope.lookback_days
      offset 0
    ) as state
    where user_ids is null

    union all

    select scope.*, state.user_id, state.activity_count
    from (select distinct u.user_id from unnest(user_ids) as u (user_id)) as asked
    join scheduler.mentor_state as state on state.user_id = asked.user_id
    join scope on scope.organisation_id = state.organisation_id
    where state.active
  ),
  -- Counted from the end of the history, so that only its last days are read.
  counted as materialized (
    select
      mentor.*,
      mentor.activity_count - recent.planned as reached,
      mentor.activity_count - recent.planned - recent.in_window as reached_before
    from mentor
    cross join lateral (
      select
        count(*) filter (where activity.activity_date > mentor.evaluation_date) as planned,
        count(*) filter (where activity.activity_date <= mentor.evaluation_date) as in_window
      from scheduler.activity as activity
      where activity.user_id = mentor.user_id
        and activity.activity_date > mentor.evaluation_date - mentor.lookback_days
    ) as recent
  ),
  reached as materialized (
    select
      counted.*,
      (select max(m) from unnest(counted.milestones) as m where m <= counted.reached and m > counted.reached_before) as milestone,
      (select min(m) from unnest(counted.milestones) as m where m > counted.reached) as next_milestone
    from counted
  ),
  notified as materialized (
    select
      reached.*,
      (
        select max(substring(sent.occurrence_key from '^milestone:([0-9]{1,9})$')::integer)
        from scheduler.notifications as sent
        where sent.user_id = reached.user_id
          and sent.scenario_type = 'milestone'
          and sent.status <> 'cancelled'
      ) as notified
    from reached
    where reached.milestone is not null or explaining
  )
  select
    'milestone',
    notified.user_id,
    notified.organisation_id,
    'milestone:' || notified.milestone,
    (
      select activity.activity_date
      from scheduler.activity as activity
      where activity.user_id = notified.user_id and activity.activity_date <= notified.evaluation_date
      order by activity.activity_date desc
      offset notified.reached - notified.milestone
      limit case when notified.milestone is null then 0 else 1 end
    ),
    notified.milestone is not null and notified.milestone > coalesce(notified.notified, 0),
    null,
    jsonb_build_object(
      'milestone', notified.milestone,
      'activities', notified.reached,
      'notified_before', notified.notified,
      'next_milestone', notified.next_milestone,
      'lookback_days', notified.lookback_days
    )
  from notified
  where explaining or notified.milestone > coalesce(notified.notified, 0);
$$;

comment on function scheduler.detect_milestone(scheduler.evaluation_scope[], uuid[], boolean) is
  'Mentors whose m-th activity, by date, lies within lookback_days, for the highest such milestone m, unless one as high was notified before.';

create or replace function scheduler.detect_occurrences(
  scopes scheduler.evaluation_scope[],
  user_ids uuid[],
  explaining boolean
)
returns setof scheduler.occurrence
language plpgsql
stable
rows 10000
set search_path = pg_catalog, pg_temp
as $$
declare
  scenario record;
begin
  for scenario in
    select registered.scenario_type, to_regprocedure(registered.detector || '(scheduler.evaluation_scope[], uuid[], boolean)')::regproc as detector
    from scheduler.scenarios as registered
    where registered.scenario_type in (select scope.scenario_type from unnest(scopes) as scope)
    order by registered.scenario_type
  loop
    return query execute format('select found.* from %s($1, $2, $3) as found', scenario.detector)
    using
      array(select scope from unnest(scopes) as scope where scope.scenario_type = scenario.scenario_type),
      user_ids,
      explaining;
  end loop;
end;
$$;

comment on function scheduler.detect_occurrences(scheduler.evaluation_scope[], uuid[], boolean) is
  'Runs the detector of each scenario in scope. When explaining, also what is not due.';

create or replace function scheduler.drop_source_triggers(source regclass, kind text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  event text;
begin
  if not exists (select from pg_catalog.pg_class as c where c.oid = source) then
    return; -- dropped, and its triggers with it
  end if;
  foreach event in array array['insert', 'update', 'delete', 'truncate'] loop
    execute format('drop trigger if exists %I on %s', 'scenario_scheduler_' || kind || '_' || event, source);
  end loop;
end;
$$;

comment on function scheduler.drop_source_triggers(regclass, text) is
  'Takes the triggers of a tracked table away again.';

create or replace function scheduler.evaluation_scopes(
  scenarios text[],
  as_of timestamptz,
  organisation_ids uuid[],
  user_ids uuid[]
)
returns setof scheduler.evaluation_scope
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  with wanted as (
    select organisation.organisation_id, organisation.active_mentors
    from scheduler.organisation_state as organisation
    where organisation.active_mentors > 0
      and (organisation_ids is null or organisation.organisation_id = any (organisation_ids))
      and (user_ids is null or organisation.organisation_id in (
        select state.organisation_id from scheduler.mentor_state as state where state.user_id = any (user_ids)
      ))
  ),
  -- The default row; its absence means no limit, and Europe/Oslo.
  fallback as (
    select settings.*
    from (select) as one
    left join scheduler.organisation_settings as settings on settings.organisation_id is null
  ),
  organisation as (
    select
      wanted.organisation_id,
      wanted.active_mentors,
      scheduler.usable_timezone(array[described.timezone, fallback.timezone]) as timezone,
      coalesce(described.locale, fallback.locale, 'nb') as locale,
      coalesce(own.daily_cap, fallback.daily_cap) as daily_cap,
      coalesce(own.weekly_cap, fallback.weekly_cap) as weekly_cap,
      coalesce(own.quiet_start, fallback.quiet_start) as quiet_start,
      coalesce(own.quiet_end, fallback.quiet_end) as quiet_end
    from wanted
    cross join fallback
    left join lateral (
      select view.timezone, view.locale
      from scheduler.organisation as view
      where view.organisation_id = wanted.organisation_id
      limit 1
    ) as described on true
    left join scheduler.organisation_settings as own on own.organisation_id = wanted.organisation_id
    where not coalesce(own.paused, false) and not coalesce(fallback.paused, false)
  )
  select
    organisation.organisation_id,
    scenario.scenario_type,
    config.id,
    (as_of at time zone organisation.timezone)::date,
    scenario.default_params || config.params,
    config.cooldown_days,
    config.priority,
    config.ttl_hours,
    organisation.timezone,
    organisation.locale,
    organisation.daily_cap,
    organisation.weekly_cap,
    organisation.quiet_start,
    organisation.quiet_end,
    case
      when user_ids is null then organisation.active_mentors
      else (
        select count(*)::integer from scheduler.mentor_state as state
        where state.user_id = any (user_ids) and state.active and state.organisation_id = organisation.organisation_id
      )
    end
  from organisation
  cross join scheduler.scenarios as scenario
  cross join lateral (
    select row_.*
    from scheduler.scenario_config as row_
    where row_.scenario_type = scenario.scenario_type
      and (row_.organisation_id = organisation.organisation_id or row_.organisation_id is null)
    order by row_.organisation_id nulls last
    limit 1
  ) as config
  where config.enabled
    and (evaluation_scopes.scenarios is null or scenario.scenario_type = any (evaluation_scopes.scenarios))
  order by scenario.scenario_type, organisation.organisation_id;
$$;

comment on function scheduler.evaluation_scopes(text[], timestamptz, uuid[], uuid[]) is
  'Which scenarios run in which organisations, each with its evaluation date and the settings that hold there.';

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
        'deliver_after', verdict.deliver_after
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
    when reason = 'organisation_paused' then 'The organisation, or everything, is paused in organisation_settings.'
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
      end
    )
  end;
$$;

comment on function scheduler.explain_verdict(text, text, timestamptz, jsonb) is
  'A verdict and its facts as a sentence for an operator.';

create or replace function scheduler.fold_roster()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  tracked scheduler.tracked_sources;
  tracked_columns text;
  user_ids uuid[];
begin
  select t.* into tracked
  from scheduler.tracked_sources as t
  where t.kind = 'roster' and t.source = tg_relid;

  if tg_op = 'UPDATE' then
    -- An update that changes nothing that is tracked, of however many rows, costs nothing more.
    tracked_columns := concat_ws(', ',
      quote_ident(tracked.user_column), quote_ident(tracked.date_column), quote_ident(tracked.organisation_column),
      quote_ident(tracked.timezone_column), quote_ident(tracked.locale_column), format('(%s)', tracked.condition));
    execute format(
      'select array_agg(changed.%1$I) from ('
        '(select %2$s from old_rows except select %2$s from new_rows) union all '
        '(select %2$s from new_rows except select %2$s from old_rows)) as changed',
      tracked.user_column, tracked_columns
    ) into user_ids;
  else
    execute format(
      'select array_agg(%I) from %s',
      tracked.user_column, case tg_op when 'INSERT' then 'new_rows' else 'old_rows' end
    ) into user_ids;
  end if;

  perform scheduler.refold_mentors(user_ids);
  return null;
end;
$$;

comment on function scheduler.fold_roster() is 'Folds what is written to the roster into mentor_state.';

create or replace function scheduler.fold_truncate()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform scheduler.rebuild_mentor_state();
  return null;
end;
$$;

comment on function scheduler.fold_truncate() is 'After a tracked table was truncated: derives the state from what is left.';

create or replace function scheduler.forget_hints(user_ids uuid[])
returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  -- In key order, as every writer of mentor_state locks it.
  update scheduler.mentor_state as state
  set inactivity_rests_until = default, inactivity_reminders = default, milestone_by = state.last_activity_on
  from (
    select forgotten.user_id
    from scheduler.mentor_state as forgotten
    where forgotten.user_id = any (user_ids)
    order by forgotten.user_id
    for update
  ) as locked
  where state.user_id = locked.user_id;
$$;

comment on function scheduler.forget_hints(uuid[]) is
  'Drops what mentor_state remembers of the windows of these mentors, who are looked at in full again.';

create or replace function scheduler.forget_windows()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op = 'TRUNCATE' then
    perform scheduler.forget_hints(array(
      select state.user_id
      from scheduler.mentor_state as state
      where state.inactivity_rests_until <> '-infinity'
        or state.inactivity_reminders <> 0
        or (state.milestone_by is null and state.activity_count > 0)
    ));
  else
    perform scheduler.forget_hints(array(select changed.user_id from old_rows as changed));
  end if;
  return null;
end;
$$;

comment on function scheduler.forget_windows() is
  'Drops the hints of mentors whose windows or notifications were changed or removed.';

create or replace function scheduler.judge_occurrences(
  as_of timestamptz,
  scopes scheduler.evaluation_scope[],
  user_ids uuid[],
  explaining boolean
)
returns setof scheduler.verdict
language sql
stable
rows 10000
set search_path = pg_catalog, pg_temp
-- The planner can't know how many rows a detector returns, and takes it for
-- few. Look-ups by index stand as laterals below; all other joins are hashed.
set enable_seqscan = off
set enable_nestloop = off
set jit = off
set work_mem = '32MB'
as $$
  with scope as materialized (
    select s.* from unnest(scopes) as s
  ),
  -- Each reason is looked up only where those before it do not apply already.
  assessed as materialized (
    select
      found.scenario_type,
      found.user_id,
      found.organisation_id,
      found.occurrence_key,
      found.anchor,
      found.facts,
      scope.evaluation_date,
      latest.cooldown_until as rested_until,
      history.today,
      history.in_week,
      found.due and not history.has_occurrence as due,
      case
        when history.has_occurrence then 'already_notified'
        when not found.due then 'not_due'
        when exists (
          select from scheduler.preference as preference
          where preference.user_id = found.user_id
            and preference.scenario_type = found.scenario_type
            and not preference.push_enabled
        ) then 'opted_out'
        when not exists (
          select from scheduler.device as device where device.user_id = found.user_id
        ) then 'no_device'
        when latest.cooldown_until > scope.evaluation_date then 'cooldown'
        when found.rests is not null then found.rests
        when history.has_day then 'already_evaluated'
      end as reason
    from scheduler.detect_occurrences(scopes, user_ids, explaining) as found
    join scope on scope.organisation_id = found.organisation_id and scope.scenario_type = found.scenario_type
    -- All that the outbox knows of the mentor, in one look.
    cross join lateral (
      select
        coalesce(bool_or(
          notified.scenario_type = found.scenario_type
          and notified.occurrence_key = found.occurrence_key
          and notified.status <> 'cancelled'
        ), false) as has_occurrence,
        coalesce(bool_or(
          notified.scenario_type = found.scenario_type and notified.evaluation_date = scope.evaluation_date
        ), false) as has_day,
        count(*) filter (
          where notified.evaluation_date = scope.evaluation_date and notified.status <> 'cancelled'
        ) as today,
        count(*) filter (
          where notified.evaluation_date > scope.evaluation_date - 7
            and notified.evaluation_date <= scope.evaluation_date
            and notified.status <> 'cancelled'
        ) as in_week
      from scheduler.notifications as notified
      where notified.user_id = found.user_id
    ) as history
    left join lateral (
      select cooldown.cooldown_until
      from scheduler.scenario_cooldowns as cooldown
      where cooldown.user_id = found.user_id and cooldown.scenario_type = found.scenario_type
      order by cooldown.cooldown_window_start desc
      limit 1
    ) as latest on true
  ),
  eligible as materialized (
    select
      assessed.*,
      scope.config_id,
      scope.priority,
      scope.cooldown_days,
      scope.ttl_hours,
      scope.daily_cap,
      scope.weekly_cap,
      scope.quiet_start,
      scope.quiet_end,
      scope.timezone as organisation_timezone,
      coalesce(mentor.timezone, scope.timezone) as timezone,
      lower(split_part(replace(coalesce(mentor.locale, scope.locale), '_', '-'), '-', 1)) as locale
    from assessed
    join scope on scope.organisation_id = assessed.organisation_id and scope.scenario_type = assessed.scenario_type
    left join lateral (
      select state.timezone, state.locale
      from scheduler.mentor_state as state
      where state.user_id = assessed.user_id
      offset 0
    ) as mentor on true
    where assessed.reason is null
  ),
  -- A template, a zone and a clock are worked out once for all who share them.
  compiled as materialized (
    select
      template.organisation_id,
      template.scenario_type,
      template.locale,
      used.placeholders,
      scheduler.compile_template(template.title, used.placeholders) as title,
      scheduler.compile_template(template.body, used.placeholders) as body
    from scheduler.scenario_templates as template
    join scheduler.scenarios as scenario on scenario.scenario_type = template.scenario_type
    cross join lateral (
      select array(
        select placeholder
        from unnest(scenario.placeholders) as placeholder
        where strpos(template.title || template.body, '{{' || placeholder || '}}') > 0
      ) as placeholders
      offset 0
    ) as used
  ),
  wording as materialized (
    select shared.organisation_id, shared.scenario_type, shared.locale, chosen.locale as written_in, chosen.placeholders, chosen.title, chosen.body
    from (
      select distinct eligible.organisation_id, eligible.scenario_type, eligible.locale
      from eligible
    ) as shared
    cross join lateral (
      select compiled.*
      from compiled
      where compiled.scenario_type = shared.scenario_type
        and (compiled.organisation_id = shared.organisation_id or compiled.organisation_id is null)
        and compiled.locale in (shared.locale, 'nb', 'en')
      order by array_position(array[shared.locale, 'nb', 'en'], compiled.locale), compiled.organisation_id nulls last
      limit 1
    ) as chosen
  ),
  -- What can't be said takes no place under the caps.
  allowed as materialized (
    select
      placed.*,
      case
        when placed.title is null then 'no_template'
        when placed.today + placed.place > placed.daily_cap or placed.in_week + placed.place > placed.weekly_cap
          then 'frequency_cap'
      end as held_back
    from (
      select
        eligible.*,
        wording.written_in,
        wording.placeholders,
        wording.title,
        wording.body,
        row_number() over (
          partition by eligible.user_id, wording.title is null order by eligible.priority, eligible.scenario_type
        ) as place
      from eligible
      left join wording
        on wording.organisation_id = eligible.organisation_id
        and wording.scenario_type = eligible.scenario_type
        and wording.locale = eligible.locale
    ) as placed
  ),
  delivery as materialized (
    select
      shared.organisation_id,
      shared.timezone,
      scheduler.next_allowed_time(
        wanted => as_of,
        zone => scheduler.usable_timezone(array[shared.timezone, shared.organisation_timezone]),
        quiet_start => shared.quiet_start,
        quiet_end => shared.quiet_end
      ) as deliver_after
    from (
      select distinct
        allowed.organisation_id, allowed.timezone, allowed.organisation_timezone, allowed.quiet_start, allowed.quiet_end
      from allowed
      where allowed.held_back is null
    ) as shared
  )
  select
    assessed.scenario_type,
    assessed.user_id,
    assessed.organisation_id,
    null::bigint,
    assessed.evaluation_date,
    assessed.occurrence_key,
    assessed.due,
    assessed.reason,
    case
      when explaining then coalesce(assessed.facts, '{}') || jsonb_build_object('cooldown_until', assessed.rested_until)
    end,
    null::date, null::date, null::timestamptz, null::timestamptz, null, null, null::jsonb
  from assessed
  where assessed.reason is not null

  union all

  select
    allowed.scenario_type,
    allowed.user_id,
    allowed.organisation_id,
    allowed.config_id,
    allowed.evaluation_date,
    allowed.occurrence_key,
    true,
    allowed.held_back,
    case
      when explaining then allowed.facts || jsonb_build_object(
        'cooldown_until', allowed.rested_until,
        'notified_today', allowed.today,
        'daily_cap', allowed.daily_cap,
        'notified_in_7_days', allowed.in_week,
        'weekly_cap', allowed.weekly_cap,
        'before_it_in_this_run', allowed.place - 1
      )
    end,
    greatest(allowed.anchor, allowed.rested_until),
    allowed.evaluation_date + allowed.cooldown_days,
    delivery.deliver_after,
    delivery.deliver_after + make_interval(hours => allowed.ttl_hours),
    format(allowed.title, variadic said.facts),
    format(allowed.body, variadic said.facts),
    jsonb_build_object('scenario_type', allowed.scenario_type, 'occurrence_key', allowed.occurrence_key) || allowed.facts
  from allowed
  left join delivery on delivery.organisation_id = allowed.organisation_id and delivery.timezone = allowed.timezone
  cross join lateral (
    select array(
      select case
        when allowed.written_in in ('nb', 'nn') and fact.value ~ '^\d{4}-\d\d-\d\d$' then to_char(fact.value::date, 'DD.MM.YYYY')
        else fact.value
      end
      from (
        select coalesce(allowed.facts ->> placeholder, '') as value from unnest(allowed.placeholders) as placeholder
      ) as fact
    ) as facts
    offset 0
  ) as said;
$$;

comment on function scheduler.judge_occurrences(timestamptz, scheduler.evaluation_scope[], uuid[], boolean) is
  'What becomes of each occurrence: the first reason to hold it back, or the push with its window, time and text.';

create or replace function scheduler.known_scenarios_hint()
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select 'Known scenarios: ' || string_agg(scenario.scenario_type, ', ' order by scenario.scenario_type) || '.'
  from scheduler.scenarios as scenario;
$$;

comment on function scheduler.known_scenarios_hint() is 'The registered scenarios in a sentence, for error messages.';

create or replace function scheduler.next_allowed_time(
  wanted timestamptz,
  zone text,
  quiet_start time,
  quiet_end time
)
returns timestamptz
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  with clock as (
    select (wanted at time zone zone)::date as today, (wanted at time zone zone)::time as now_there
  ),
  next_end as (
    select case
      when quiet_start < quiet_end and now_there >= quiet_start and now_there < quiet_end
        then (today + quiet_end) at time zone zone
      when quiet_start > quiet_end and now_there < quiet_end
        then (today + quiet_end) at time zone zone
      when quiet_start > quiet_end and now_there >= quiet_start
        then (today + 1 + quiet_end) at time zone zone
      else wanted
    end as allowed
    from clock
  )
  -- An end that the clock skips in spring may fall into quiet hours again.
  select case
    when next_end.allowed = wanted then wanted
    else scheduler.next_allowed_time(
      wanted => next_end.allowed, zone => zone, quiet_start => quiet_start, quiet_end => quiet_end
    )
  end
  from next_end;
$$;

comment on function scheduler.next_allowed_time(timestamptz, text, time, time) is
  'The wanted time, or inside quiet hours their next end on the clock of that zone. Equal or missing bounds: no quiet hours.';

create or replace function scheduler.note_milestones()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  added integer[];
begin
  with noted as (
    insert into scheduler.milestones (milestone)
    select distinct item::integer
    from scheduler.scenario_config as config
    join scheduler.scenarios as scenario on scenario.scenario_type = config.scenario_type
    cross join jsonb_array_elements_text(
      coalesce(config.params -> 'milestones', scenario.default_params -> 'milestones')
    ) as item
    on conflict (milestone) do nothing
    returning milestone
  )
  select array_agg(milestone) into added from noted;
  if added is null then
    return null;
  end if;

  -- Whole-table change: take writers' turn first, instead of meeting them row by row.
  lock table scheduler.mentor_state in share row exclusive mode;
  update scheduler.mentor_state as state
  set
    next_milestone = (select min(m.milestone) from scheduler.milestones as m where m.milestone > state.activity_count),
    milestone_by = case
      when (select max(m.milestone) from scheduler.milestones as m where m.milestone <= state.activity_count) = any (added)
        then state.last_activity_on
      else state.milestone_by
    end
  where state.on_roster
    and (
      state.next_milestone is distinct from
        (select min(m.milestone) from scheduler.milestones as m where m.milestone > state.activity_count)
      or (select max(m.milestone) from scheduler.milestones as m where m.milestone <= state.activity_count) = any (added)
    );
  return null;
end;
$$;

comment on function scheduler.note_milestones() is
  'Keeps scheduler.milestones complete, and has mentors looked at again whose count a new milestone concerns.';

create or replace function scheduler.rebuild_mentor_state()
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  corrected bigint;
  removed bigint;
begin
  perform set_config('scheduler.refolded', 'on', true); -- as in refold_mentors

  -- Writers of tracked tables wait here, so the sources stand still while they are read.
  lock table scheduler.mentor_state in share row exclusive mode;

  insert into scheduler.mentor_state as state (
    user_id, on_roster, organisation_id, active, joined_on, timezone, locale,
    last_activity_on, activity_count, milestone_by, next_milestone
  )
  select
    derived.user_id, derived.on_roster, derived.organisation_id, derived.active, derived.joined_on,
    derived.timezone, derived.locale, derived.last_activity_on, derived.activity_count,
    derived.milestone_by, derived.next_milestone
  from scheduler.derive_mentor_state() as derived
  left join scheduler.mentor_state as kept on kept.user_id = derived.user_id
  where kept.user_id is null
    or (kept.on_roster, kept.organisation_id, kept.active, kept.joined_on, kept.timezone, kept.locale,
        kept.last_activity_on, kept.activity_count, kept.next_milestone)
      is distinct from
      (derived.on_roster, derived.organisation_id, derived.active, derived.joined_on, derived.timezone, derived.locale,
        derived.last_activity_on, derived.activity_count, derived.next_milestone)
  on conflict (user_id) do update set
    on_roster = excluded.on_roster,
    organisation_id = excluded.organisation_id,
    active = excluded.active,
    joined_on = excluded.joined_on,
    timezone = excluded.timezone,
    locale = excluded.locale,
    last_activity_on = excluded.last_activity_on,
    activity_count = excluded.activity_count,
    inactivity_reminders = case
      when state.silent_since = coalesce(excluded.last_activity_on, excluded.joined_on) then state.inactivity_reminders
      else 0
    end,
    milestone_by = excluded.milestone_by,
    next_milestone = excluded.next_milestone;
  get diagnostics corrected = row_count;

  delete from scheduler.mentor_state as state
  where not exists (select from scheduler.roster as mentor where mentor.user_id = state.user_id)
    and not exists (select from scheduler.activity as activity where activity.user_id = state.user_id);
  get diagnostics removed = row_count;

  delete from scheduler.organisation_state as organisation
  where not exists (
    select from scheduler.mentor_state as state
    where state.active and state.organisation_id = organisation.organisation_id
  );
  insert into scheduler.organisation_state as organisation (organisation_id, active_mentors)
  select state.organisation_id, count(*)
  from scheduler.mentor_state as state
  where state.active
  group by state.organisation_id
  order by state.organisation_id
  on conflict (organisation_id) do update set active_mentors = excluded.active_mentors
  where organisation.active_mentors <> excluded.active_mentors;

  return corrected + removed;
end;
$$;

comment on function scheduler.rebuild_mentor_state() is
  'Derives the whole state from the sources anew, and returns how many rows had to be corrected.';

create or replace function scheduler.record_evaluation(
  run_id uuid,
  started timestamptz,
  as_of timestamptz,
  scopes scheduler.evaluation_scope[],
  queued_by_config jsonb,
  queued_by_scenario jsonb,
  suppressed_by_reason jsonb
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  active integer;
  evaluated integer;
  candidates integer := (select coalesce(sum(q.value::integer), 0) from jsonb_each_text(queued_by_scenario) as q);
  suppressed integer := (
    select coalesce(sum(reason.value::integer), 0)
    from jsonb_each(suppressed_by_reason) as scenario, jsonb_each_text(scenario.value) as reason
  );
  repeated integer := (
    select coalesce(sum((scenario.value ->> 'already_evaluated')::integer), 0)
    from jsonb_each(suppressed_by_reason) as scenario
  );
begin
  select coalesce(sum(o.active_mentors), 0) into active from scheduler.organisation_state as o;
  select coalesce(sum(per_organisation.active_mentors), 0) into evaluated
  from (
    select max(scope.active_mentors) as active_mentors from unnest(scopes) as scope group by scope.organisation_id
  ) as per_organisation;

  update scheduler.scenario_config as config
  set
    last_evaluated_at = started,
    last_evaluated_count = covered.mentors,
    last_candidate_count = coalesce((queued_by_config ->> config.id::text)::integer, 0)
  from (
    select scope.config_id, sum(scope.active_mentors) as mentors from unnest(scopes) as scope group by scope.config_id
  ) as covered
  -- A row that an operator is just editing goes without: the ledger has the figures too.
  where config.id = covered.config_id
    and config.id in (select free.id from scheduler.scenario_config as free for update skip locked);

  insert into scheduler.invocations as invocation (
    id, job_name, status, triggered_by, as_of, started_at, finished_at,
    total_active_mentors, total_evaluated, total_candidates, total_suppressed, suppressed
  )
  values (
    run_id, 'scenario-evaluation', 'completed', session_user, as_of, started, clock_timestamp(),
    active, evaluated, candidates, suppressed, suppressed_by_reason
  )
  on conflict (id) do update set
    as_of = excluded.as_of,
    total_active_mentors = excluded.total_active_mentors,
    total_evaluated = excluded.total_evaluated,
    total_candidates = coalesce(invocation.total_candidates, 0) + excluded.total_candidates,
    total_suppressed = excluded.total_suppressed,
    suppressed = excluded.suppressed;

  if repeated > 0 then
    raise warning '% occurrences are due again on a day for which they have a notification already; nothing was written for them', repeated;
  end if;
  raise notice '% of % active mentors evaluated: % candidates%, % suppressed%',
    evaluated, active,
    candidates,
    coalesce((select ' (' || string_agg(q.key || ' ' || q.value, ', ' order by q.key) || ')' from jsonb_each_text(queued_by_scenario) as q), ''),
    suppressed,
    coalesce((
      select ' (' || string_agg(format('%s %s %s', scenario.key, reason.key, reason.value), ', ' order by scenario.key, reason.key) || ')'
      from jsonb_each(suppressed_by_reason) as scenario, jsonb_each_text(scenario.value) as reason
    ), '');
end;
$$;

comment on function scheduler.record_evaluation(uuid, timestamptz, timestamptz, scheduler.evaluation_scope[], jsonb, jsonb, jsonb) is
  'Writes what an evaluation found to the ledger and to scenario_config, and says it in a line.';

create or replace function scheduler.refold_mentors(user_ids uuid[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  active_before jsonb;
begin
  if coalesce(cardinality(user_ids), 0) = 0 then
    return;
  end if;

  -- For the rest of the transaction: what is read below must not be added again
  -- by a fold of inserted rows that has its turn later.
  perform set_config('scheduler.refolded', 'on', true);

  -- One pass in key order takes the lock of every row, new or not, as the fold
  -- of inserted activities does. Only then are the sources read, by the next
  -- statement: what others wrote before they let go of the rows is in view.
  with locked as (
    insert into scheduler.mentor_state as state (user_id)
    select distinct wanted.user_id
    from unnest(user_ids) as wanted (user_id)
    where wanted.user_id is not null
    order by wanted.user_id
    on conflict (user_id) do update set on_roster = state.on_roster
    returning state.organisation_id, state.active
  )
  select jsonb_object_agg(counted.organisation_id, counted.mentors)
  into active_before
  from (
    select locked.organisation_id, count(*) as mentors from locked where locked.active group by locked.organisation_id
  ) as counted;

  with wanted as (
    select distinct u.user_id from unnest(user_ids) as u (user_id)
  ),
  derived as (
    select
      wanted.user_id,
      mentor.user_id is not null as on_roster,
      mentor.organisation_id,
      coalesce(mentor.active, false) as active,
      mentor.joined_on,
      mentor.timezone,
      mentor.locale,
      recorded.last_activity_on,
      recorded.activity_count,
      reaching.activity_date as milestone_by,
      (
        select min(m.milestone) from scheduler.milestones as m
        where m.milestone > recorded.activity_count and mentor.user_id is not null
      ) as next_milestone
    from wanted
    left join scheduler.roster as mentor on mentor.user_id = wanted.user_id
    cross join lateral (
      select max(activity.activity_date) as last_activity_on, count(*)::integer as activity_count
      from scheduler.activity as activity
      where activity.user_id = wanted.user_id
    ) as recorded
    cross join lateral (
      select max(m.milestone) as milestone from scheduler.milestones as m where m.milestone <= recorded.activity_count
    ) as reached
    left join lateral (
      select activity.activity_date
      from scheduler.activity as activity
      where activity.user_id = wanted.user_id
      order by activity.activity_date
      offset reached.milestone - 1
      limit 1
    ) as reaching on reached.milestone is not null
  ),
  refolded as (
    update scheduler.mentor_state as state
    set
      on_roster = derived.on_roster,
      organisation_id = derived.organisation_id,
      active = derived.active,
      joined_on = derived.joined_on,
      timezone = derived.timezone,
      locale = derived.locale,
      last_activity_on = derived.last_activity_on,
      activity_count = derived.activity_count,
      inactivity_reminders = case
        when state.silent_since = coalesce(derived.last_activity_on, derived.joined_on) then state.inactivity_reminders
        else 0
      end,
      milestone_by = derived.milestone_by,
      next_milestone = derived.next_milestone
    from derived
    where state.user_id = derived.user_id
    returning state.organisation_id, state.active
  ),
  active_change as (
    select changed.organisation_id, sum(changed.mentors)::integer as mentors
    from (
      select refolded.organisation_id, count(*) as mentors from refolded where refolded.active group by refolded.organisation_id
      union all
      select before.key::uuid, -before.value::bigint from jsonb_each_text(active_before) as before
    ) as changed
    group by changed.organisation_id
  )
  insert into scheduler.organisation_state as organisation (organisation_id, active_mentors)
  select active_change.organisation_id, active_change.mentors
  from active_change
  where active_change.mentors <> 0
  order by active_change.organisation_id
  on conflict (organisation_id) do update set
    active_mentors = organisation.active_mentors + excluded.active_mentors;

  delete from scheduler.mentor_state as state
  where state.user_id = any (user_ids) and not state.on_roster and state.activity_count = 0;
end;
$$;

comment on function scheduler.refold_mentors(uuid[]) is
  'Derives the state of these mentors from the sources anew.';

create or replace function scheduler.refresh_source_views()
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  -- A date out of every calendar, infinity above all, is taken for none: one bad row must not stop a run.
  execute 'create or replace view scheduler.roster as ' || coalesce(
    (
      select format(
        'select %1$I as user_id, coalesce(%2$s, %3$L::uuid) as organisation_id, coalesce((%4$s), false) as active, '
          'case when %5$I between ''0001-01-01'' and ''9999-12-31'' then %5$I::date end as joined_on, '
          'nullif(btrim(%6$s), '''') as timezone, nullif(btrim(%7$s), '''') as locale from %8$s where %1$I is not null',
        tracked.user_column,
        coalesce(quote_ident(tracked.organisation_column), 'null'),
        '00000000-0000-0000-0000-000000000000',
        tracked.condition,
        tracked.date_column,
        coalesce(quote_ident(tracked.timezone_column), 'null::text'),
        coalesce(quote_ident(tracked.locale_column), 'null::text'),
        tracked.source
      )
      from scheduler.tracked_sources as tracked
      where tracked.kind = 'roster' and tracked.source in (select c.oid from pg_catalog.pg_class as c)
    ),
    'select null::uuid as user_id, null::uuid as organisation_id, false as active, '
      'null::date as joined_on, null::text as timezone, null::text as locale where false'
  );

  execute 'create or replace view scheduler.activity as ' || coalesce(
    (
      select string_agg(
        format(
          'select %I as user_id, %I::date as activity_date from %s where %1$I is not null and %2$I between ''0001-01-01'' and ''9999-12-31'' and (%4$s)',
          tracked.user_column, tracked.date_column, tracked.source, coalesce(tracked.condition, 'true')
        ),
        ' union all ' order by tracked.id
      )
      from scheduler.tracked_sources as tracked
      where tracked.kind = 'activity' and tracked.source in (select c.oid from pg_catalog.pg_class as c)
    ),
    'select null::uuid as user_id, null::date as activity_date where false'
  );
end;
$$;

comment on function scheduler.refresh_source_views() is
  'Writes the views scheduler.roster and scheduler.activity anew from what is tracked and still exists.';

create or replace function scheduler.refresh_sources()
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  tracked scheduler.tracked_sources;
begin
  for tracked in
    select t.* from scheduler.tracked_sources as t where t.source in (select c.oid from pg_class as c) order by t.id
  loop
    if tracked.kind = 'activity' then
      perform scheduler.create_source_fold(tracked.id);
    else
      perform scheduler.create_source_triggers(source => tracked.source, kind => 'roster', fold => 'scheduler.fold_roster');
    end if;
  end loop;
  perform scheduler.refresh_source_views();
end;
$$;

comment on function scheduler.refresh_sources() is
  'Writes everything anew that tracking generated: triggers, their functions, and the views. Every migration of functions ends with it.';

create or replace function scheduler.release_windows()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  cancelled bigint[] := array(
    select updated.id
    from new_rows as updated
    join old_rows as before on before.id = updated.id
    where updated.status = 'cancelled' and before.status <> 'cancelled'
  );
begin
  if cancelled = '{}' then
    return null;
  end if;
  -- A reminder that no longer counts must not be counted on, even where no window is left to release.
  perform scheduler.forget_hints(array(
    select updated.user_id from new_rows as updated where updated.id = any (cancelled)
  ));
  delete from scheduler.scenario_cooldowns as released where released.notification_id = any (cancelled);
  return null;
end;
$$;

comment on function scheduler.release_windows() is
  'Releases the windows of notifications that are cancelled, so that their scenarios are free to be due again.';

create or replace function scheduler.remember_windows()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set datestyle = 'ISO'
as $$
begin
  -- Hints only, so a mentor whom somebody is writing just now is passed over:
  -- this never waits for an activity, and no activity can deadlock with it.
  with noted as materialized (
    select state.user_id, state.silent_since, state.activity_count, opened.scenario_type, opened.cooldown_until, opened.occurrence_key
    from new_rows as opened
    join scheduler.mentor_state as state on state.user_id = opened.user_id
    where opened.scenario_type in ('inactivity', 'milestone')
    order by state.user_id
    for update of state skip locked
  ),
  hint as (
    select
      noted.user_id,
      max(noted.cooldown_until) filter (where noted.scenario_type = 'inactivity') as rests_until,
      max(split_part(noted.occurrence_key, ':', 3)::integer) filter (
        where noted.scenario_type = 'inactivity'
          and noted.occurrence_key ~ '^inactivity:[0-9-]{10}:[0-9]{1,9}$'
          and split_part(noted.occurrence_key, ':', 2) = noted.silent_since::text
      ) as reminders,
      coalesce(bool_or(
        noted.occurrence_key ~ '^milestone:[0-9]{1,9}$'
        and not exists (
          select from scheduler.milestones as m
          where m.milestone > split_part(noted.occurrence_key, ':', 2)::integer and m.milestone <= noted.activity_count
        )
      ) filter (where noted.scenario_type = 'milestone'), false) as milestones_done
    from noted
    group by noted.user_id
  )
  update scheduler.mentor_state as state
  set
    inactivity_rests_until = greatest(state.inactivity_rests_until, hint.rests_until),
    inactivity_reminders = greatest(state.inactivity_reminders, hint.reminders),
    milestone_by = case when hint.milestones_done then null else state.milestone_by end
  from hint
  where state.user_id = hint.user_id;
  return null;
end;
$$;

comment on function scheduler.remember_windows() is
  'Notes in mentor_state what rests after a new window, so that later runs pass it by in the index.';

create or replace function public.run_scenario_evaluation(
  scenarios text[] default null,
  as_of timestamptz default now(),
  organisation_ids uuid[] default null,
  user_ids uuid[] default null,
  dry_run boolean default false,
  invocation_id uuid default null
)
returns setof scheduler.candidate
language plpgsql
security definer
set search_path = ''
set datestyle = 'ISO'
set jit = off
set work_mem = '32MB'
as $$
declare
  scopes scheduler.evaluation_scope[];
  run_id pg_catalog.uuid := coalesce(invocation_id, gen_random_uuid());
  started pg_catalog.timestamptz := clock_timestamp();
  ids constant pg_catalog.regclass := pg_get_serial_sequence('scheduler.notifications', 'id');
  suppressed_by_reason pg_catalog.jsonb;
  queued_by_scenario pg_catalog.jsonb;
  queued_by_config pg_catalog.jsonb;
  decided_count integer;
  queued_count integer;
  first_id bigint;
  last_id bigint;
begin
  perform scheduler.check_evaluation_arguments(scenarios => scenarios, as_of => as_of, dry_run => dry_run);

  if not dry_run then
    -- All evaluations take turns, not only those of one scenario: the frequency
    -- caps count across scenarios. With a single key there is no order to keep.
    perform pg_advisory_xact_lock(hashtextextended('scenario-scheduler evaluation', 0));
    -- A caller at repeatable read or above may have waited with an old snapshot.
    -- Writing the row that the last evaluator wrote turns that into a clean
    -- serialization failure, before anything is decided on old facts.
    update scheduler.scenarios as scenario set last_turn_at = clock_timestamp();
  end if;

  select coalesce(array_agg(scope), '{}') into scopes
  from scheduler.evaluation_scopes(
    scenarios => scenarios, as_of => as_of, organisation_ids => organisation_ids, user_ids => user_ids
  ) as scope;

  if dry_run then
    return query
    select
      null::bigint, verdict.user_id, verdict.organisation_id, verdict.scenario_type, verdict.occurrence_key,
      verdict.cooldown_window_start, verdict.evaluation_date, verdict.deliver_after,
      verdict.title, verdict.body, verdict.data
    from scheduler.judge_occurrences(as_of => as_of, scopes => scopes, user_ids => user_ids, explaining => false) as verdict
    where verdict.reason is null
    order by verdict.user_id, verdict.scenario_type;
    return;
  end if;

  -- The statement that matters: detect, suppress, open the cooldown window, and
  -- only for the windows that were won, put the notification in the outbox.
  with verdict as materialized (
    select judged.*
    from scheduler.judge_occurrences(as_of => as_of, scopes => scopes, user_ids => user_ids, explaining => false) as judged
  ),
  candidate as materialized (
    select nextval(ids) as notification_id, ordered.*
    from (
      select verdict.* from verdict where verdict.reason is null order by verdict.user_id, verdict.scenario_type
    ) as ordered
  ),
  opened as (
    insert into scheduler.scenario_cooldowns as cooldown
      (user_id, scenario_type, cooldown_window_start, cooldown_until, occurrence_key, notification_id)
    select
      candidate.user_id, candidate.scenario_type, candidate.cooldown_window_start, candidate.cooldown_until,
      candidate.occurrence_key, candidate.notification_id
    from candidate
    order by candidate.notification_id
    on conflict on constraint one_window_per_mentor_scenario_start do nothing
    returning cooldown.notification_id
  ),
  queued as (
    insert into scheduler.notifications as notification (
      id, user_id, organisation_id, scenario_type, occurrence_key, cooldown_window_start, evaluation_date,
      deliver_after, expires_at, title, body, data, invocation_id
    )
    select
      candidate.notification_id, candidate.user_id, candidate.organisation_id, candidate.scenario_type,
      candidate.occurrence_key, candidate.cooldown_window_start, candidate.evaluation_date,
      candidate.deliver_after, candidate.expires_at, candidate.title, candidate.body, candidate.data, run_id
    from candidate
    join opened on opened.notification_id = candidate.notification_id
    order by candidate.notification_id
    on conflict do nothing
    returning notification.id
  ),
  counted as (
    select candidate.scenario_type, candidate.config_id, count(*) as decided, count(queued.id) as queued
    from candidate
    left join queued on queued.id = candidate.notification_id
    group by candidate.scenario_type, candidate.config_id
  ),
  held_back as (
    select each_reason.scenario_type, each_reason.reason, sum(each_reason.mentors) as mentors
    from (
      select verdict.scenario_type, verdict.reason, count(*) as mentors
      from verdict
      where verdict.due and verdict.reason is not null
      group by verdict.scenario_type, verdict.reason
      union all
      select 'inactivity', resting.reason, resting.mentors
      from scheduler.count_resting(scopes) as resting
      where user_ids is null
    ) as each_reason
    group by each_reason.scenario_type, each_reason.reason
  )
  select
    (select min(candidate.notification_id) from candidate),
    (select max(candidate.notification_id) from candidate),
    (select coalesce(sum(counted.decided), 0) from counted),
    (select coalesce(sum(counted.queued), 0) from counted),
    (select jsonb_object_agg(counted.config_id, counted.queued) from counted),
    (
      select jsonb_object_agg(per_scenario.scenario_type, per_scenario.queued)
      from (
        select counted.scenario_type, sum(counted.queued) as queued from counted group by counted.scenario_type
      ) as per_scenario
    ),
    (
      select coalesce(jsonb_object_agg(per_scenario.scenario_type, per_scenario.reasons), '{}')
      from (
        select held_back.scenario_type, jsonb_object_agg(held_back.reason, held_back.mentors) as reasons
        from held_back
        group by held_back.scenario_type
      ) as per_scenario
    )
  into first_id, last_id, decided_count, queued_count, queued_by_config, queued_by_scenario, suppressed_by_reason;

  if queued_count < decided_count then
    delete from scheduler.scenario_cooldowns as orphan
    where orphan.notification_id between first_id and last_id
      and not exists (select from scheduler.notifications as n where n.id = orphan.notification_id);
    raise warning '% of % candidates were in the outbox already under the same key; nothing was written for them',
      decided_count - queued_count, decided_count;
  end if;

  perform scheduler.record_evaluation(
    run_id => run_id,
    started => started,
    as_of => as_of,
    scopes => scopes,
    queued_by_config => coalesce(queued_by_config, '{}'),
    queued_by_scenario => coalesce(queued_by_scenario, '{}'),
    suppressed_by_reason => suppressed_by_reason
  );

  return query
  select
    notification.id, notification.user_id, notification.organisation_id, notification.scenario_type,
    notification.occurrence_key, notification.cooldown_window_start, notification.evaluation_date,
    notification.deliver_after, notification.title, notification.body, notification.data
  from scheduler.notifications as notification
  where notification.id between first_id and last_id and notification.invocation_id = run_id
  order by notification.id;
end;
$$;

comment on function public.run_scenario_evaluation(text[], timestamptz, uuid[], uuid[], boolean, uuid) is
  'Decides for everybody who gets a push, writes the outbox and its cooldown windows, and returns the candidates. With dry_run it writes nothing.';

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
      count(*) filter (where waiting.expires_at < now()) as too_late
    from scheduler.notifications as waiting
    where waiting.status = 'pending'
  ),
  last_run as (
    select run.started_at, run.total_candidates, run.total_suppressed
    from scheduler.invocations as run
    where run.job_name = 'scenario-evaluation'
    order by run.started_at desc nulls last
    limit 1
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
    case
      when coalesce(bool_or(settings.organisation_id is null), false) then 'everything is paused in the default row of organisation_settings'
      when count(*) > 0 then count(*) || ' organisations are paused in organisation_settings'
      else 'nothing is paused'
    end
  from scheduler.organisation_settings as settings
  where settings.paused

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
    'outbox',
    case when outbox.too_late > 0 then 'warn' else 'ok' end,
    case
      when outbox.pending = 0 then 'nothing pending'
      else format('%s pending, the oldest since %s', outbox.pending, outbox.oldest)
    end || case when outbox.too_late > 0 then format(', %s past their expiry: nothing is sending', outbox.too_late) else '' end
  from outbox;
$$;

comment on function public.scheduler_status() is
  'An operator''s first look: each component with ok, warn or fail, and what to do.';

create or replace function scheduler.track_activity(
  source regclass,
  user_column name,
  date_column name,
  counts text default null
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  source_id bigint;
begin
  if user_column is null or date_column is null then
    raise exception 'user_column and date_column of a tracked activity can''t be null'
      using errcode = 'null_value_not_allowed', hint = 'Example: select scheduler.track_activity(''public.activities'', ''user_id'', ''activity_date'');';
  end if;
  perform scheduler.check_source_columns(
    source => source,
    wanted => jsonb_build_object(
      user_column, '["uuid"]'::jsonb,
      date_column, '["date", "timestamp without time zone"]'::jsonb
    )
  );
  if counts is not null then
    perform scheduler.check_condition(source, counts);
  end if;

  insert into scheduler.tracked_sources as tracked (kind, source, user_column, date_column, condition)
  values ('activity', source, user_column, date_column, counts)
  on conflict on constraint a_source_is_tracked_once_per_kind do update set
    user_column = excluded.user_column,
    date_column = excluded.date_column,
    condition = excluded.condition
  returning tracked.id into source_id;

  if not exists (
    select from pg_index as i
    join pg_attribute as a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
    where i.indrelid = source and i.indisvalid and i.indpred is null and a.attname = user_column
  ) then
    raise warning 'no index of % begins with %: changes and milestones will read the whole table', source, quote_ident(user_column)
      using hint = format('create index on %s (%I, %I);', source, user_column, date_column);
  end if;

  perform scheduler.create_source_fold(source_id);
  perform scheduler.refresh_source_views();
  perform scheduler.rebuild_mentor_state();
end;
$$;

comment on function scheduler.track_activity(regclass, name, name, text) is
  'Counts the rows of a table as activity of mentors, or those for which the condition holds. Can be repeated; fills the state from what is there.';

create or replace function scheduler.track_roster(
  source regclass,
  user_column name default 'id',
  organisation_column name default 'organisation_id',
  joined_on_column name default 'joined_on',
  active_when text default 'status = ''active''',
  timezone_column name default null,
  locale_column name default null
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  previous regclass;
begin
  if user_column is null or joined_on_column is null or active_when is null then
    raise exception 'user_column, joined_on_column and active_when of a roster can''t be null'
      using errcode = 'null_value_not_allowed', hint = 'Only organisation_column, timezone_column and locale_column may be left out.';
  end if;
  perform scheduler.check_source_columns(
    source => source,
    wanted => jsonb_strip_nulls(jsonb_build_object(
      user_column, '["uuid"]'::jsonb,
      joined_on_column, '["date", "timestamp without time zone"]'::jsonb
    ))
    || case when organisation_column is null then '{}' else jsonb_build_object(organisation_column, '["uuid"]'::jsonb) end
    || case when timezone_column is null then '{}' else jsonb_build_object(timezone_column, '["text", "character varying"]'::jsonb) end
    || case when locale_column is null then '{}' else jsonb_build_object(locale_column, '["text", "character varying"]'::jsonb) end
  );
  if not exists (
    select from pg_catalog.pg_index as i
    join pg_catalog.pg_attribute as a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
    where i.indrelid = source and i.indisunique and i.indpred is null and i.indnkeyatts = 1 and a.attname = user_column
  ) then
    raise exception 'column % of % is not unique, so a mentor could stand there twice', quote_ident(user_column), source
      using errcode = 'invalid_table_definition', hint = 'Give it a primary key or a unique constraint of its own.';
  end if;
  perform scheduler.check_condition(source, active_when);

  select tracked.source into previous
  from scheduler.tracked_sources as tracked
  where tracked.kind = 'roster' and tracked.source <> track_roster.source;
  if found then
    perform scheduler.drop_source_triggers(previous, 'roster');
    delete from scheduler.tracked_sources as tracked where tracked.kind = 'roster';
  end if;

  insert into scheduler.tracked_sources as tracked
    (kind, source, user_column, date_column, organisation_column, timezone_column, locale_column, condition)
  values ('roster', source, user_column, joined_on_column, organisation_column, timezone_column, locale_column, active_when)
  on conflict on constraint a_source_is_tracked_once_per_kind do update set
    user_column = excluded.user_column,
    date_column = excluded.date_column,
    organisation_column = excluded.organisation_column,
    timezone_column = excluded.timezone_column,
    locale_column = excluded.locale_column,
    condition = excluded.condition;

  perform scheduler.create_source_triggers(source => source, kind => 'roster', fold => 'scheduler.fold_roster');
  perform scheduler.refresh_source_views();
  perform scheduler.rebuild_mentor_state();
end;
$$;

comment on function scheduler.track_roster(regclass, name, name, name, text, name, name) is
  'Makes a table the roster: a row per mentor, and the condition on the row that makes one active. Can be repeated; fills the state from what is there.';

create or replace function scheduler.untrack(source regclass)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  tracked scheduler.tracked_sources;
begin
  for tracked in
    delete from scheduler.tracked_sources as gone where gone.source = untrack.source returning gone.*
  loop
    perform scheduler.drop_source_triggers(tracked.source, tracked.kind);
    perform scheduler.refresh_source_views();
    if tracked.kind = 'activity' then
      execute format('drop function if exists scheduler.%I()', 'fold_source_' || tracked.id);
    end if;
  end loop;
  if not found then
    raise exception '% is not tracked', source
      using
        errcode = 'undefined_object',
        hint = 'Tracked: ' || coalesce((select string_agg(t.source::text, ', ' order by t.id) from scheduler.tracked_sources as t), 'nothing') || '.';
  end if;
  perform scheduler.rebuild_mentor_state();
end;
$$;

comment on function scheduler.untrack(regclass) is
  'Stops tracking a table, as roster or activity, and takes what it contributed out of the state.';

create or replace function scheduler.usable_timezone(zones text[])
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  zone text;
begin
  foreach zone in array zones loop
    begin
      -- PostgreSQL also takes rules like Foo7 and abbreviations like CEST. A name
      -- with a slash and no digit can be neither; others are looked up in the list.
      if timezone(zone, now()) is not null
        and (
          zone ~ '^[A-Za-z]+(/[A-Za-z_-]+)+$'
          or zone = 'UTC'
          or exists (select from pg_timezone_names as known where known.name = zone)
        )
      then
        return zone;
      end if;
    exception
      when invalid_parameter_value then
        null; -- not a zone: the next one in the list stands in
    end;
  end loop;
  return 'Europe/Oslo';
end;
$$;

comment on function scheduler.usable_timezone(text[]) is
  'The first of the names that PostgreSQL knows as a time zone; Europe/Oslo where there is none.';

create or replace function scheduler.verify_mentor_state()
returns table (user_id uuid, difference text, expected jsonb, actual jsonb)
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  with expected as (
    select derived.user_id, to_jsonb(derived) - 'milestone_by' as facts
    from scheduler.derive_mentor_state() as derived
  ),
  actual as (
    select
      state.user_id,
      to_jsonb(state) - array['silent_since', 'inactivity_rests_until', 'inactivity_reminders', 'milestone_by'] as facts
    from scheduler.mentor_state as state
  )
  select
    coalesce(expected.user_id, actual.user_id),
    case
      when actual.user_id is null then 'missing'
      when expected.user_id is null then 'superfluous'
      else 'differs: ' || (
        select string_agg(fact.key, ', ' order by fact.key)
        from jsonb_each(expected.facts) as fact
        where fact.value is distinct from actual.facts -> fact.key
      )
    end,
    expected.facts,
    actual.facts
  from expected
  full join actual on actual.user_id = expected.user_id
  where expected.facts is distinct from actual.facts

  union all

  select
    null,
    'active mentors of organisation ' || coalesce(counted.organisation_id, kept.organisation_id),
    jsonb_build_object('active_mentors', coalesce(counted.mentors, 0)),
    jsonb_build_object('active_mentors', coalesce(kept.active_mentors, 0))
  from (
    select state.organisation_id, count(*) as mentors
    from scheduler.mentor_state as state
    where state.active
    group by state.organisation_id
  ) as counted
  full join scheduler.organisation_state as kept on kept.organisation_id = counted.organisation_id
  where coalesce(counted.mentors, 0) <> coalesce(kept.active_mentors, 0);
$$;

comment on function scheduler.verify_mentor_state() is
  'The rows of the state that differ from the sources: none, or scheduler.rebuild_mentor_state() puts them right.';

reset check_function_bodies;

select scheduler.refresh_sources();
select scheduler.apply_privileges();
