create or replace function public.run_certification_expiry(
  as_of timestamptz default now(),
  dry_run boolean default false
)
returns setof scheduler.status_change
language plpgsql
security definer
set search_path = ''
-- A plan for lists of any length takes the square of theirs in time.
set plan_cache_mode = force_custom_plan
as $$
declare
  noted scheduler.certification_checks[];
  changes scheduler.status_change[];
  changed pg_catalog.uuid[];
  wanted pg_catalog.text;
begin
  perform scheduler.check_evaluation_arguments(scenarios => null, as_of => as_of, dry_run => dry_run);
  if dry_run then
    return query
    select change.*
    from scheduler.judge_certifications(
      as_of => as_of,
      user_ids => array(select mentor.user_id from scheduler.mentor as mentor where mentor.status in ('active', 'paused'))
    ) as change;
    return;
  end if;

  perform pg_advisory_xact_lock(hashtextextended('scenario-scheduler certifications', 0));
  -- Not locked: whoever writes a mentor's row and notes her then would wait for us, and we for her row.
  noted := array(select waiting from scheduler.certification_checks as waiting);
  select coalesce(array_agg(change order by change.user_id), '{}') into changes
  from scheduler.judge_certifications(
    as_of => as_of, user_ids => array(select waiting.user_id from unnest(noted) as waiting)
  ) as change;

  foreach wanted in array array['paused', 'active'] loop
    perform set_config('scheduler.status_is_noted', 'yes', true);
    changed := scheduler.set_mentor_status(
      user_ids => array(select change.user_id from unnest(changes) as change where change.to_status = wanted),
      expected => case wanted when 'paused' then 'active' else 'paused' end,
      status => wanted
    );
    perform set_config('scheduler.status_is_noted', '', true);
    insert into public.mentor_status_history (user_id, from_status, to_status, reason, certifications, changed_by)
    select change.user_id, change.from_status, change.to_status, change.reason, change.certifications, 'certification-expiry'
    from unnest(changes) as change
    where change.user_id = any (changed)
    order by change.user_id;
    return query select change.* from unnest(changes) as change where change.user_id = any (changed);
  end loop;

  if as_of > now() + interval '1 day' then
    -- The next night judges by the real date what was judged by one to come.
    perform scheduler.note_checks(array(select change.user_id from unnest(changes) as change));
  else
    -- Who was noted again meanwhile stays so.
    delete from scheduler.certification_checks as done
    where done.user_id in (
      select looked_at.user_id
      from scheduler.certification_checks as looked_at
      join unnest(noted) as seen on seen.user_id = looked_at.user_id and seen.noted_at = looked_at.noted_at
      for update of looked_at skip locked
    );
  end if;
  delete from scheduler.certification_watermarks as idle
  where not exists (select from scheduler.required_certifications as required where required.organisation_id = idle.organisation_id);
  insert into scheduler.certification_watermarks as watermark (organisation_id, checked_until)
  select required.organisation_id, (least(as_of, now()) at time zone scheduler.organisation_zone(required.organisation_id))::pg_catalog.date
  from (select distinct every.organisation_id from scheduler.required_certifications as every) as required
  order by required.organisation_id
  on conflict on constraint certification_watermarks_pkey do update set
    checked_until = greatest(watermark.checked_until, excluded.checked_until);
end;
$$;

comment on function public.run_certification_expiry(timestamptz, boolean) is
  'Pauses active mentors whose required certification has run out, resumes those paused for that reason whose certification was renewed, and returns both. With dry_run it looks at everybody and writes nothing.';
