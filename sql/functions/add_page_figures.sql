create or replace function scheduler.add_page_figures(run_id uuid, source text, page scheduler.portal_page_result)
returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  update scheduler.invocations as run
  set details = jsonb_build_object(
    'portal', add_page_figures.source,
    'pages', coalesce((run.details ->> 'pages')::integer, 0) + 1,
    'received', coalesce((run.details ->> 'received')::integer, 0) + page.received,
    'applied', coalesce((run.details ->> 'applied')::integer, 0) + page.applied,
    'revoked', coalesce((run.details ->> 'revoked')::integer, 0) + page.revoked,
    'rejected', (
      select coalesce(jsonb_object_agg(summed.reason, summed.rows), '{}')
      from (
        select counted.key as reason, sum(counted.value::integer) as rows
        from (
          select earlier.* from jsonb_each_text(coalesce(run.details -> 'rejected', '{}')) as earlier
          union all
          select of_page.* from jsonb_each_text(page.rejected) as of_page
        ) as counted
        group by counted.key
      ) as summed
    ),
    'completed', page.completed
  )
  where run.id = add_page_figures.run_id;
$$;

comment on function scheduler.add_page_figures(uuid, text, scheduler.portal_page_result) is
  'Adds what became of a portal''s page to the run''s details in the ledger.';
