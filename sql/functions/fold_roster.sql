create or replace function scheduler.fold_roster()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  tracked scheduler.tracked_sources;
  tracked_columns text;
  user_ids uuid[];
begin
  select t.* into tracked
  from scheduler.tracked_sources as t
  where t.kind = 'roster' and t.source = tg_relid;

  if tg_op = 'UPDATE' then
    -- An update that changes nothing that is tracked, of however many rows, costs nothing more.
    tracked_columns := concat_ws(', ',
      quote_ident(tracked.user_column), quote_ident(tracked.date_column), quote_ident(tracked.organisation_column),
      quote_ident(tracked.timezone_column), quote_ident(tracked.locale_column), format('(%s)', tracked.condition));
    execute format(
      'select array_agg(changed.%1$I) from ('
        '(select %2$s from old_rows except select %2$s from new_rows) union all '
        '(select %2$s from new_rows except select %2$s from old_rows)) as changed',
      tracked.user_column, tracked_columns
    ) into user_ids;
  else
    execute format(
      'select array_agg(%I) from %s',
      tracked.user_column, case tg_op when 'INSERT' then 'new_rows' else 'old_rows' end
    ) into user_ids;
  end if;

  perform scheduler.refold_mentors(user_ids);
  return null;
end;
$$;

comment on function scheduler.fold_roster() is 'Folds what is written to the roster into mentor_state.';
