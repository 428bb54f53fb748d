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
