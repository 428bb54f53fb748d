create or replace function scheduler.track_activity(
  source regclass,
  user_column name,
  date_column name,
  counts text default null
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  source_id bigint;
begin
  if user_column is null or date_column is null then
    raise exception 'user_column and date_column of a tracked activity can''t be null'
      using errcode = 'null_value_not_allowed', hint = 'Example: select scheduler.track_activity(''public.activities'', ''user_id'', ''activity_date'');';
  end if;
  perform scheduler.check_source_columns(
    source => source,
    wanted => jsonb_build_object(
      user_column, '["uuid"]'::jsonb,
      date_column, '["date", "timestamp without time zone"]'::jsonb
    )
  );
  if counts is not null then
    perform scheduler.check_condition(source, counts);
  end if;

  -- Of two who say at once what is tracked, the second sees what the first tracked.
  lock table scheduler.tracked_sources in share row exclusive mode;
  insert into scheduler.tracked_sources as tracked (kind, source, user_column, date_column, condition)
  values ('activity', source, user_column, date_column, counts)
  on conflict on constraint a_source_is_tracked_once_per_kind do update set
    user_column = excluded.user_column,
    date_column = excluded.date_column,
    condition = excluded.condition
  returning tracked.id into source_id;

  if not exists (
    select from pg_index as i
    join pg_attribute as a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
    where i.indrelid = source and i.indisvalid and i.indpred is null and a.attname = user_column
  ) then
    raise warning 'no index of % begins with %: changes and milestones will read the whole table', source, quote_ident(user_column)
      using hint = format('create index on %s (%I, %I);', source, user_column, date_column);
  end if;

  perform scheduler.create_source_fold(source_id);
  perform scheduler.refresh_source_views();
  perform scheduler.rebuild_mentor_state();
end;
$$;

comment on function scheduler.track_activity(regclass, name, name, text) is
  'Counts the rows of a table as activity of mentors, or those for which the condition holds. Can be repeated; fills the state from what is there.';
