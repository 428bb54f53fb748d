create or replace function public.invocation_summary(invocation_id uuid)
returns scheduler.invocation_summary
language sql
stable
security definer
set search_path = ''
as $$
  select
    invocation.id,
    invocation.status,
    coalesce(invocation.total_active_mentors, 0),
    coalesce(invocation.total_evaluated, 0),
    coalesce(invocation.total_candidates, 0),
    coalesce(invocation.total_dispatched, 0),
    coalesce(invocation.total_suppressed, 0),
    coalesce(invocation.total_errors, 0),
    coalesce(invocation.pages_processed, 0),
    coalesce(invocation.remaining_unprocessed_count, 0),
    (1000 * extract(epoch from invocation.finished_at - invocation.started_at))::integer,
    invocation.error_type
  from scheduler.invocations as invocation
  where invocation.id = invocation_summary.invocation_id;
$$;

comment on function public.invocation_summary(uuid) is
  'The figures of a run, as they stand.';
