create or replace function scheduler.refresh_source_views()
returns void
language plpgsql
set search_path = ''
as $$
begin
  execute 'create or replace view scheduler.roster as ' || coalesce(
    (
      select format(
        'select %I as user_id, coalesce(%s, %L::uuid) as organisation_id, coalesce((%s), false) as active, '
          '%I::date as joined_on, nullif(btrim(%s), '''') as timezone, nullif(btrim(%s), '''') as locale from %s where %1$I is not null',
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
          'select %I as user_id, %I::date as activity_date from %s where %1$I is not null and %2$I is not null and (%4$s)',
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
