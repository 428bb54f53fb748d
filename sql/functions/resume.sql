create or replace function scheduler.resume(
  job_name text default null,
  organisation_id uuid default null,
  resumed_by text default session_user
)
returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  named text[] := scheduler.check_pausable(job_name => job_name, organisation_id => organisation_id);
  said text;
begin
  with ended as (
    update scheduler.pauses as open
    set resumed_at = now(), resumed_by = coalesce(resume.resumed_by, session_user)
    from unnest(named) as asked (job_name)
    where asked.job_name is not distinct from open.job_name
      and open.organisation_id is not distinct from resume.organisation_id
      and open.resumed_at is null
    returning open.*
  )
  select
    string_agg(
      format('%s: resumed, was paused since %s by %s (%s)',
        coalesce(ended.job_name, 'organisation ' || ended.organisation_id, 'everything'),
        ended.paused_at::timestamptz(0), ended.paused_by, coalesce(ended.reason, 'no reason given')),
      E'\n' order by ended.job_name
    )
  into said
  from ended;

  -- A pause was meant: what would have come in it is not made up for.
  update scheduler.jobs as job
  set last_tick_for = now()
  where said is not null
    and resume.organisation_id is null
    and (resume.job_name is null or job.job_name = any (named));

  if resume.job_name is null then
    update scheduler.organisation_settings as settings
    set paused = false
    where settings.organisation_id is not distinct from resume.organisation_id and settings.paused;
  end if;
  return coalesce(
    said, format('%s: was not paused', coalesce(resume.job_name, 'organisation ' || resume.organisation_id, 'everything'))
  );
end;
$$;

comment on function scheduler.resume(text, uuid, text) is
  'Ends the pause of a job (or of those of an entry of pg_cron), of an organisation, or without either the one of everything. Other pauses stay.';
