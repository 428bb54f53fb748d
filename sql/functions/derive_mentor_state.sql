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
