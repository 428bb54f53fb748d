create or replace function scheduler.judge_certifications(as_of timestamptz, user_ids uuid[])
returns setof scheduler.status_change
language sql
stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  with clock as materialized (
    select
      required.organisation_id,
      -- A run of a day before the last that was looked at takes nothing back.
      greatest(
        (as_of at time zone scheduler.organisation_zone(required.organisation_id))::date,
        watermark.checked_until
      ) as today,
      watermark.checked_until
    from (select distinct every.organisation_id from scheduler.required_certifications as every) as required
    left join scheduler.certification_watermarks as watermark on watermark.organisation_id = required.organisation_id
  ),
  concerned as materialized (
    select noted.user_id
    from unnest(user_ids) as noted (user_id)
    union
    select held.user_id
    from scheduler.held_certification as held
    where held.revoked_at is null
      and held.expires_on >= (select min(clock.checked_until) from clock)
      and held.expires_on < (select max(clock.today) from clock)
  ),
  judged as materialized (
    select
      mentor.user_id, mentor.organisation_id, mentor.status, paused_for.names is not null as is_paused_by_the_job,
      array(
        select required.name
        from scheduler.required_certifications as required
        where required.organisation_id = mentor.organisation_id
          -- Who never held one is left alone. What she was paused for counts even if it is gone since.
          and (
            lower(required.name) = any (paused_for.names)
            or exists (
              select from scheduler.held_certification as held
              where held.user_id = mentor.user_id and lower(held.name) = lower(required.name)
            )
          )
          and not exists (
            select from scheduler.held_certification as held
            where held.user_id = mentor.user_id
              and lower(held.name) = lower(required.name)
              and held.revoked_at is null
              and (held.expires_on is null or held.expires_on >= clock.today)
          )
        order by required.name
      ) as lacking
    from concerned
    -- One by one: a range of unknown ends is taken for half a percent of all, and the roster would be read whole.
    cross join lateral (
      select every.user_id, every.organisation_id, every.status
      from scheduler.mentor as every
      where every.user_id = concerned.user_id and every.status in ('active', 'paused')
      limit 1
    ) as mentor
    -- Whom a person paused stays paused: the last line of the history says who it was.
    left join lateral (
      select array(select lower(name) from unnest(latest.certifications) as name) as names
      from (
        select line.* from public.mentor_status_history as line where line.user_id = mentor.user_id order by line.id desc limit 1
      ) as latest
      where mentor.status = 'paused'
        and latest.to_status = 'paused'
        and latest.reason = 'certification_expired'
        and latest.changed_by = 'certification-expiry'
    ) as paused_for on true
    -- Without one, her organisation requires nothing.
    left join clock on clock.organisation_id = mentor.organisation_id
  )
  select
    judged.user_id,
    judged.organisation_id,
    judged.status,
    case when judged.lacking = '{}' then 'active' else 'paused' end,
    case when judged.lacking = '{}' then 'certification_renewed' else 'certification_expired' end,
    nullif(judged.lacking, '{}')
  from judged
  where (judged.status = 'active' and judged.lacking <> '{}')
    or (judged.is_paused_by_the_job and judged.lacking = '{}')
  order by judged.user_id;
$$;

comment on function scheduler.judge_certifications(timestamptz, uuid[]) is
  'Who is to be paused because a required certification has run out, and resumed because it was renewed: among the mentors given, and those with one that expired since the last look.';
