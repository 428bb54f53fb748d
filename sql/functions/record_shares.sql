create or replace function scheduler.record_shares(
  run_id uuid,
  scopes scheduler.evaluation_scope[],
  queued_by_organisation jsonb,
  suppressed_by_organisation jsonb
)
returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  insert into scheduler.invocation_shares as share (
    invocation_id, organisation_id, total_active_mentors, total_evaluated, total_candidates, suppressed
  )
  select
    run_id,
    scope.organisation_id,
    coalesce((
      select organisation.active_mentors
      from scheduler.organisation_state as organisation
      where organisation.organisation_id = scope.organisation_id
    ), 0),
    max(scope.active_mentors),
    coalesce((queued_by_organisation ->> scope.organisation_id::text)::integer, 0),
    coalesce(suppressed_by_organisation -> scope.organisation_id::text, '{}')
  from unnest(scopes) as scope
  group by scope.organisation_id
  order by scope.organisation_id
  on conflict on constraint invocation_shares_pkey do update set
    total_active_mentors = excluded.total_active_mentors,
    total_evaluated = excluded.total_evaluated,
    total_candidates = share.total_candidates + excluded.total_candidates,
    suppressed = excluded.suppressed;
$$;

comment on function scheduler.record_shares(uuid, scheduler.evaluation_scope[], jsonb, jsonb) is
  'Writes what an evaluation found in each organisation, beside the ledger''s row of the whole.';
