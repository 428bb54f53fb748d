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
  queued_by_organisation pg_catalog.jsonb;
  suppressed_by_organisation pg_catalog.jsonb;
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
    select
      candidate.organisation_id, candidate.scenario_type, candidate.config_id,
      count(*) as decided, count(queued.id) as queued
    from candidate
    left join queued on queued.id = candidate.notification_id
    group by candidate.organisation_id, candidate.scenario_type, candidate.config_id
  ),
  held_back as (
    select each_reason.organisation_id, each_reason.scenario_type, each_reason.reason, sum(each_reason.mentors) as mentors
    from (
      select verdict.organisation_id, verdict.scenario_type, verdict.reason, count(*) as mentors
      from verdict
      where verdict.due and verdict.reason is not null
      group by verdict.organisation_id, verdict.scenario_type, verdict.reason
      union all
      select resting.organisation_id, 'inactivity', resting.reason, resting.mentors
      from scheduler.count_resting_mentors(scopes) as resting
      where user_ids is null
    ) as each_reason
    group by each_reason.organisation_id, each_reason.scenario_type, each_reason.reason
  ),
  -- By scenario and reason: for the whole, and for each organisation.
  summed as (
    select
      per_scenario.organisation_id,
      per_scenario.whole,
      jsonb_object_agg(per_scenario.scenario_type, per_scenario.reasons) as suppressed
    from (
      select
        per_reason.organisation_id, per_reason.whole, per_reason.scenario_type,
        jsonb_object_agg(per_reason.reason, per_reason.mentors) as reasons
      from (
        select
          held_back.organisation_id, grouping(held_back.organisation_id) = 1 as whole, held_back.scenario_type,
          held_back.reason, sum(held_back.mentors) as mentors
        from held_back
        group by grouping sets (
          (held_back.organisation_id, held_back.scenario_type, held_back.reason), (held_back.scenario_type, held_back.reason)
        )
      ) as per_reason
      group by per_reason.organisation_id, per_reason.whole, per_reason.scenario_type
    ) as per_scenario
    group by per_scenario.organisation_id, per_scenario.whole
  )
  select
    (select min(candidate.notification_id) from candidate),
    (select max(candidate.notification_id) from candidate),
    (select coalesce(sum(counted.decided), 0) from counted),
    (select coalesce(sum(counted.queued), 0) from counted),
    (
      select jsonb_object_agg(per_config.config_id, per_config.queued)
      from (select counted.config_id, sum(counted.queued) as queued from counted group by counted.config_id) as per_config
    ),
    (
      select jsonb_object_agg(per_organisation.organisation_id, per_organisation.queued)
      from (
        select counted.organisation_id, sum(counted.queued) as queued from counted group by counted.organisation_id
      ) as per_organisation
    ),
    (
      select jsonb_object_agg(per_scenario.scenario_type, per_scenario.queued)
      from (
        select counted.scenario_type, sum(counted.queued) as queued from counted group by counted.scenario_type
      ) as per_scenario
    ),
    coalesce((select summed.suppressed from summed where summed.whole), '{}'),
    (select jsonb_object_agg(summed.organisation_id, summed.suppressed) from summed where not summed.whole)
  into first_id, last_id, decided_count, queued_count, queued_by_config, queued_by_organisation,
    queued_by_scenario, suppressed_by_reason, suppressed_by_organisation;

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
    suppressed_by_reason => suppressed_by_reason,
    scenarios => scenarios,
    organisation_ids => organisation_ids,
    is_of_some_mentors => user_ids is not null
  );
  perform scheduler.record_shares(
    run_id => run_id,
    scopes => scopes,
    queued_by_organisation => coalesce(queued_by_organisation, '{}'),
    suppressed_by_organisation => coalesce(suppressed_by_organisation, '{}')
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
