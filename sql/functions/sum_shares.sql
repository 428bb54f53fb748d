create or replace function scheduler.sum_shares(invocation_id uuid, organisations uuid[] default null)
returns table (total_suppressed integer, suppressed jsonb)
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(sum(scenario.mentors), 0)::integer, coalesce(jsonb_object_agg(scenario.scenario_type, scenario.reasons), '{}')
  from (
    select
      each_reason.scenario_type, sum(each_reason.mentors) as mentors,
      jsonb_object_agg(each_reason.reason, each_reason.mentors) as reasons
    from (
      select scenario.key as scenario_type, reason.key as reason, sum(reason.value::integer) as mentors
      from scheduler.invocation_shares as share
      cross join lateral jsonb_each(share.suppressed) as scenario
      cross join lateral jsonb_each_text(scenario.value) as reason
      where share.invocation_id = sum_shares.invocation_id
        and (organisations is null or share.organisation_id = any (organisations))
      group by scenario.key, reason.key
    ) as each_reason
    group by each_reason.scenario_type
  ) as scenario;
$$;

comment on function scheduler.sum_shares(uuid, uuid[]) is
  'What a run held back in these organisations, or in all, by scenario and reason.';
