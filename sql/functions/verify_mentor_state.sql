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
