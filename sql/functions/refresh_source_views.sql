create or replace function scheduler.refresh_source_views()
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  -- A date out of every calendar, infinity above all, is taken for none: one bad row must not stop a run.
  execute 'create or replace view scheduler.roster as ' || coalesce(
    (
      select format(
        'select %1$I as user_id, coalesce(%2$s, %3$L::uuid) as organisation_id, coalesce((%4$s), false) as active, '
          'case when %5$I between ''0001-01-01'' and ''9999-12-31'' then %5$I::date end as joined_on, '
          'nullif(btrim(%6$s), '''') as timezone, nullif(btrim(%7$s), '''') as locale from %8$s where %1$I is not null',
        tracked.user_column,
        coalesce(quote_ident(tracked.organisation_column), 'null'),
        '00000000-0000-0000-0000-000000000000',
        tracked.condition,
        tracked.date_column,
        coalesce(quote_ident(tracked.timezone_column), 'null::text'),
        coalesce(quote_ident(tracked.locale_column), 'null::text'),
        tracked.source
      )
      from scheduler.tracked_sources as tracked
      where tracked.kind = 'roster' and tracked.source in (select c.oid from pg_catalog.pg_class as c)
    ),
    'select null::uuid as user_id, null::uuid as organisation_id, false as active, '
      'null::date as joined_on, null::text as timezone, null::text as locale where false'
  );

  execute 'create or replace view scheduler.activity as ' || coalesce(
    (
      select string_agg(
        format(
          'select %I as user_id, %I::date as activity_date from %s where %1$I is not null and %2$I between ''0001-01-01'' and ''9999-12-31'' and (%4$s)',
          tracked.user_column, tracked.date_column, tracked.source, coalesce(tracked.condition, 'true')
        ),
        ' union all ' order by tracked.id
      )
      from scheduler.tracked_sources as tracked
      where tracked.kind = 'activity' and tracked.source in (select c.oid from pg_catalog.pg_class as c)
    ),
    'select null::uuid as user_id, null::date as activity_date where false'
  );
end;
$$;

comment on function scheduler.refresh_source_views() is
  'Writes the views scheduler.roster and scheduler.activity anew from what is tracked and still exists.';
