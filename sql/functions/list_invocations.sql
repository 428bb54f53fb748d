create or replace function public.list_invocations(
  job_name text default null,
  status text default null,
  requested_from timestamptz default null,
  requested_to timestamptz default null,
  before_requested_at timestamptz default null,
  before_id uuid default null,
  page_size integer default 50
)
returns setof scheduler.invocation_entry
language plpgsql
stable
security definer
set search_path = ''
set plan_cache_mode = force_custom_plan
set jit = off
as $$
declare
  organisations constant pg_catalog.uuid[] := scheduler.require_staff();
  known constant pg_catalog.text[] := array['requested', 'running', 'completed', 'partial', 'failed', 'skipped', 'abandoned'];
begin
  perform scheduler.check_page_size(page_size);
  if status is not null and status <> all (known) then
    raise exception 'status must be one of %, not %', array_to_string(known, ', '), quote_literal(status)
      using errcode = 'invalid_parameter_value', column = 'status', hint = 'Leave it out for all.';
  end if;
  if (before_requested_at is null) <> (before_id is null) then
    raise exception 'before_requested_at and before_id go together'
      using errcode = 'invalid_parameter_value', column = 'before_id', hint = 'Give both of the last run of the page before, or none.';
  end if;
  if requested_from >= requested_to then
    raise exception 'requested_from must be before requested_to'
      using errcode = 'invalid_parameter_value', column = 'requested_to', hint = 'Swap them, or leave one out.';
  end if;

  -- Those of everybody come in order, from an index for each combination of filters.
  -- Those of some organisations are few for each, and are sorted: among all the
  -- others' they would be looked for in vain.
  return query
  with seen as materialized (
    (
      select everybodys.*
      from scheduler.invocations as everybodys
      where everybodys.organisation_ids is null
        and (list_invocations.job_name is null or everybodys.job_name = list_invocations.job_name)
        and (list_invocations.status is null or everybodys.status = list_invocations.status)
        and (requested_from is null or everybodys.requested_at >= requested_from)
        and (requested_to is null or everybodys.requested_at < requested_to)
        and (before_id is null or (everybodys.requested_at, everybodys.id) < (before_requested_at, before_id))
      order by everybodys.requested_at desc, everybodys.id desc
      limit page_size
    )
    union all
    (
      select own.*
      from (
        select narrowed.*
        from scheduler.invocations as narrowed
        where narrowed.organisation_ids && organisations
          and (list_invocations.job_name is null or narrowed.job_name = list_invocations.job_name)
          and (list_invocations.status is null or narrowed.status = list_invocations.status)
          and (requested_from is null or narrowed.requested_at >= requested_from)
          and (requested_to is null or narrowed.requested_at < requested_to)
          and (before_id is null or (narrowed.requested_at, narrowed.id) < (before_requested_at, before_id))
        offset 0
      ) as own
      order by own.requested_at desc, own.id desc
      limit page_size
    )
  )
  select entry.*
  from seen as run
  cross join lateral scheduler.describe_invocation(run::scheduler.invocations, organisations) as entry
  order by run.requested_at desc, run.id desc
  limit page_size;
end;
$$;

comment on function public.list_invocations(text, text, timestamptz, timestamptz, timestamptz, uuid, integer) is
  'The runs that concern the caller''s organisations, newest first, a page at a time (before_…: the last one of the page before). For staff.';
