create or replace function scheduler.recheck_certifications(organisation_ids uuid[] default null)
returns bigint
language sql
set search_path = pg_catalog, pg_temp
as $$
  select scheduler.note_checks(array(
    select mentor.user_id
    from scheduler.mentor as mentor
    where mentor.status in ('active', 'paused')
      and (organisation_ids is null or mentor.organisation_id = any (organisation_ids))
  ));
$$;

comment on function scheduler.recheck_certifications(uuid[]) is
  'Has the next run_certification_expiry look at all mentors, or those of some organisations: where certifications are in a table without this project''s triggers.';
