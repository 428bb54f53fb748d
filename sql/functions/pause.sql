create or replace function scheduler.pause(
  job_name text default null,
  organisation_id uuid default null,
  reason text default null,
  paused_by text default session_user
)
returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  named text[] := scheduler.check_pausable(job_name => job_name, organisation_id => organisation_id);
begin
  insert into scheduler.pauses as paused (job_name, organisation_id, paused_by, reason)
  select asked.job_name, pause.organisation_id, coalesce(pause.paused_by, session_user), nullif(btrim(pause.reason), '')
  from unnest(named) as asked (job_name)
  on conflict do nothing;

  if pause.job_name is null then
    insert into scheduler.organisation_settings as settings (organisation_id, paused)
    values (pause.organisation_id, true)
    on conflict on constraint one_settings_row_per_organisation do update set paused = true where not settings.paused;
  end if;

  return (
    select string_agg(
      format('%s: paused since %s by %s (%s)',
        coalesce(open.job_name, 'organisation ' || open.organisation_id, 'everything'),
        open.paused_at::timestamptz(0), open.paused_by, coalesce(open.reason, 'no reason given')),
      E'\n' order by open.job_name
    )
    from scheduler.pauses as open
    join unnest(named) as asked (job_name) on asked.job_name is not distinct from open.job_name
    where open.organisation_id is not distinct from pause.organisation_id and open.resumed_at is null
  );
end;
$$;

comment on function scheduler.pause(text, uuid, text, text) is
  'Pauses a job (or those of an entry of pg_cron), an organisation, or without either everything, and keeps who and why. What is paused already stays as it is.';
