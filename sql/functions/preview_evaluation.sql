create or replace function scheduler.preview_evaluation(run_id uuid, scenarios text[], organisation_ids uuid[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  scopes scheduler.evaluation_scope[] := array(
    select scope
    from scheduler.evaluation_scopes(
      scenarios => preview_evaluation.scenarios,
      as_of => now(),
      organisation_ids => preview_evaluation.organisation_ids,
      user_ids => null
    ) as scope
  );
  by_organisation jsonb;
  queued_by_organisation jsonb;
begin
  with verdict as materialized (
    select judged.organisation_id, judged.scenario_type, judged.reason, count(*) as mentors
    from scheduler.judge_occurrences(as_of => now(), scopes => scopes, user_ids => null, explaining => false) as judged
    where judged.due
    group by judged.organisation_id, judged.scenario_type, judged.reason
  ),
  held_back as materialized (
    select each_reason.organisation_id, each_reason.scenario_type, each_reason.reason, sum(each_reason.mentors) as mentors
    from (
      select verdict.* from verdict where verdict.reason is not null
      union all
      select resting.organisation_id, 'inactivity', resting.reason, resting.mentors
      from scheduler.count_resting_mentors(scopes) as resting
    ) as each_reason
    group by each_reason.organisation_id, each_reason.scenario_type, each_reason.reason
  )
  select
    (
      select jsonb_object_agg(organisation.organisation_id, organisation.suppressed)
      from (
        select scenario.organisation_id, jsonb_object_agg(scenario.scenario_type, scenario.reasons) as suppressed
        from (
          select held_back.organisation_id, held_back.scenario_type, jsonb_object_agg(held_back.reason, held_back.mentors) as reasons
          from held_back
          group by held_back.organisation_id, held_back.scenario_type
        ) as scenario
        group by scenario.organisation_id
      ) as organisation
    ),
    (
      select jsonb_object_agg(organisation.organisation_id, organisation.mentors)
      from (
        select verdict.organisation_id, sum(verdict.mentors) as mentors
        from verdict
        where verdict.reason is null
        group by verdict.organisation_id
      ) as organisation
    )
  into by_organisation, queued_by_organisation;

  perform scheduler.record_shares(
    run_id => run_id,
    scopes => scopes,
    queued_by_organisation => coalesce(queued_by_organisation, '{}'),
    suppressed_by_organisation => coalesce(by_organisation, '{}')
  );
  update scheduler.invocations as run
  set total_evaluated = scheduler.count_evaluated(scopes), suppressed = summed.suppressed, total_suppressed = summed.total_suppressed
  from scheduler.sum_shares(run_id) as summed
  where run.id = run_id;
end;
$$;

comment on function scheduler.preview_evaluation(uuid, text[], uuid[]) is
  'Writes beside a dry run what an evaluation would find now: how many mentors it would look at, and how many pushes it would hold back and why.';
