create or replace function public.coordinator_mentor_status(
  chapter_id uuid default null,
  status text default null,
  after uuid default null,
  page_size integer default 50
)
returns setof scheduler.mentor_status
language plpgsql
stable
security definer
set search_path = ''
-- A page is small: look everything up by index.
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
begin
  perform scheduler.require_staff();
  perform scheduler.check_page_size(page_size);
  if status is not null and status not in ('active', 'paused', 'inactive') then
    raise exception 'status must be active, paused or inactive, not %', quote_literal(status)
      using errcode = 'invalid_parameter_value', column = 'status', hint = 'Leave it out for all.';
  end if;

  return query
  with page as materialized (
    select mentor.user_id, mentor.organisation_id, mentor.chapter_id, mentor.status
    from unnest(scheduler.mentors_of_caller()) as reached (user_id)
    join scheduler.mentor as mentor on mentor.user_id = reached.user_id
    where (coordinator_mentor_status.after is null or reached.user_id > coordinator_mentor_status.after)
      and (coordinator_mentor_status.chapter_id is null or mentor.chapter_id = coordinator_mentor_status.chapter_id)
      and (coordinator_mentor_status.status is null or mentor.status = coordinator_mentor_status.status)
    order by mentor.user_id
    limit coordinator_mentor_status.page_size
  ),
  clock as materialized (
    select
      concerned.organisation_id,
      (now() at time zone scheduler.usable_timezone(array[
        (select described.timezone from scheduler.organisation as described where described.organisation_id = concerned.organisation_id limit 1),
        (select fallback.timezone from scheduler.organisation_settings as fallback where fallback.organisation_id is null)
      ]))::pg_catalog.date as today
    from (select distinct page.organisation_id from page) as concerned
  )
  select
    page.user_id,
    page.organisation_id,
    page.chapter_id,
    page.status,
    state.last_activity_on,
    case when state.silent_since is not null then greatest(clock.today - state.silent_since, 0) end,
    (
      select min(certification.expires_on)
      from scheduler.certification as certification
      where certification.user_id = page.user_id and certification.expires_on >= clock.today
    ),
    latest.scenario_type,
    latest.evaluation_date,
    latest.status,
    latest.status_reason,
    latest.sent_at
  from page
  join clock on clock.organisation_id is not distinct from page.organisation_id
  left join scheduler.mentor_state as state on state.user_id = page.user_id
  left join lateral (
    select notification.scenario_type, notification.evaluation_date, notification.status, notification.status_reason, notification.sent_at
    from scheduler.notifications as notification
    where notification.user_id = page.user_id
    order by notification.evaluation_date desc, notification.id desc
    limit 1
  ) as latest on true
  order by page.user_id;
end;
$$;

comment on function public.coordinator_mentor_status(uuid, text, uuid, integer) is
  'The mentors in the caller''s reach, a page at a time (after: the last id of the page before): how long silent, what expires next, and what became of the last push. For staff.';
