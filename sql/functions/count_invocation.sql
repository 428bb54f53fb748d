create or replace function scheduler.count_invocation(run scheduler.invocations)
returns scheduler.invocation_figures
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan
set jit = off
as $$
declare
  administered constant uuid[] := scheduler.organisations_of_caller('admin');
  is_admin constant boolean := coalesce(run.organisation_ids && administered, cardinality(administered) > 0);
  followed constant uuid[] := case when not is_admin then scheduler.mentors_of_caller('coordinator') end;
  figures scheduler.invocation_figures;
begin
  if exists (select from scheduler.jobs as job where job.job_name = run.job_name and job.kind = 'sql') then
    return figures;
  end if;

  -- A dry run's shares are what it would have done.
  if is_admin then
    select
      sum(share.total_active_mentors), sum(share.total_evaluated), sum(share.total_candidates)
    into figures.total_active_mentors, figures.total_evaluated, figures.total_candidates
    from scheduler.invocation_shares as share
    where share.invocation_id = run.id and share.organisation_id = any (administered);

    -- Without a share of hers it evaluated nobody of hers.
    if figures.total_evaluated is not null then
      select summed.total_suppressed, summed.suppressed into figures.total_suppressed, figures.suppressed
      from scheduler.sum_shares(invocation_id => run.id, organisations => administered) as summed;
    end if;
  elsif run.as_of is not null then
    select count(*) into figures.total_candidates
    from scheduler.notifications as decided
    where decided.user_id = any (followed) and decided.invocation_id = run.id;
  end if;

  -- Longer ago than attempts are kept, nobody knows any more.
  if exists (
    select from scheduler.retention as rule where rule.kept = 'push_attempts' and run.requested_at < now() - rule.keep
  ) then
    return figures;
  end if;
  with met as materialized (
    select
      attempt.notification_id,
      case when attempt.outcome <> 'sent' then coalesce(attempt.error_type, 'provider_error') end as error_type
    from scheduler.push_attempts as attempt
    join scheduler.notifications as pushed on pushed.id = attempt.notification_id
    where attempt.invocation_id = run.id
      and attempt.error_code is distinct from 'NOT_TRIED'
      and (pushed.organisation_id = any (administered) or pushed.user_id = any (followed))
  ),
  broken as (
    select met.error_type, count(*) as errors from met where met.error_type is not null group by met.error_type
  )
  select
    (select count(distinct met.notification_id) from met where met.error_type is null),
    (select coalesce(sum(broken.errors), 0) from broken),
    (select coalesce(jsonb_object_agg(broken.error_type, broken.errors), '{}') from broken)
  into figures.total_dispatched, figures.total_errors, figures.errors;
  return figures;
end;
$$;

comment on function scheduler.count_invocation(scheduler.invocations) is
  'What a run did to the mentors in the caller''s reach: those of the organisations that the caller administers, else those whom the caller follows up.';
