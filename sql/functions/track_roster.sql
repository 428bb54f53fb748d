create or replace function scheduler.track_roster(
  source regclass,
  user_column name default 'id',
  organisation_column name default 'organisation_id',
  joined_on_column name default 'joined_on',
  active_when text default 'status = ''active''',
  timezone_column name default null,
  locale_column name default null
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  previous regclass;
begin
  if user_column is null or joined_on_column is null or active_when is null then
    raise exception 'user_column, joined_on_column and active_when of a roster can''t be null'
      using errcode = 'null_value_not_allowed', hint = 'Only organisation_column, timezone_column and locale_column may be left out.';
  end if;
  perform scheduler.check_source_columns(
    source => source,
    wanted => jsonb_strip_nulls(jsonb_build_object(
      user_column, '["uuid"]'::jsonb,
      joined_on_column, '["date", "timestamp without time zone"]'::jsonb
    ))
    || case when organisation_column is null then '{}' else jsonb_build_object(organisation_column, '["uuid"]'::jsonb) end
    || case when timezone_column is null then '{}' else jsonb_build_object(timezone_column, '["text", "character varying"]'::jsonb) end
    || case when locale_column is null then '{}' else jsonb_build_object(locale_column, '["text", "character varying"]'::jsonb) end
  );
  if not exists (
    select from pg_catalog.pg_index as i
    join pg_catalog.pg_attribute as a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
    where i.indrelid = source and i.indisunique and i.indpred is null and i.indnkeyatts = 1 and a.attname = user_column
  ) then
    raise exception 'column % of % is not unique, so a mentor could stand there twice', quote_ident(user_column), source
      using errcode = 'invalid_table_definition', hint = 'Give it a primary key or a unique constraint of its own.';
  end if;
  perform scheduler.check_condition(source, active_when);

  -- Of two who say at once what is tracked, the second sees what the first tracked.
  lock table scheduler.tracked_sources in share row exclusive mode;
  select tracked.source into previous
  from scheduler.tracked_sources as tracked
  where tracked.kind = 'roster' and tracked.source <> track_roster.source;
  if found then
    perform scheduler.drop_source_triggers(previous, 'roster');
    delete from scheduler.tracked_sources as tracked where tracked.kind = 'roster';
  end if;

  insert into scheduler.tracked_sources as tracked
    (kind, source, user_column, date_column, organisation_column, timezone_column, locale_column, condition)
  values ('roster', source, user_column, joined_on_column, organisation_column, timezone_column, locale_column, active_when)
  on conflict on constraint a_source_is_tracked_once_per_kind do update set
    user_column = excluded.user_column,
    date_column = excluded.date_column,
    organisation_column = excluded.organisation_column,
    timezone_column = excluded.timezone_column,
    locale_column = excluded.locale_column,
    condition = excluded.condition;

  perform scheduler.create_source_triggers(source => source, kind => 'roster', fold => 'scheduler.fold_roster');
  perform scheduler.refresh_source_views();
  perform scheduler.rebuild_mentor_state();
end;
$$;

comment on function scheduler.track_roster(regclass, name, name, name, text, name, name) is
  'Makes a table the roster: a row per mentor, and the condition on the row that makes one active. Can be repeated; fills the state from what is there.';
