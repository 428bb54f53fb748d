-- The keys of what there is one of: settings, and the roster that mentors come from.
-- A second row would leave it to chance which of them holds.

begin;
select plan(12);

-- Refused by the key, whichever organisation it is of.
create function pg_temp.second_is_refused(statement text, key text, rule text) returns text language plpgsql as $$
begin
  return throws_ok(statement, '23505', 'duplicate key value violates unique constraint "' || key || '"', rule);
end;
$$;

select is((select count(*) from scheduler.tracked_sources where kind = 'roster'), 1::bigint, 'the mapping tracks a roster');
select pg_temp.second_is_refused(
  $$ insert into scheduler.tracked_sources (kind, source, user_column, date_column) values ('roster', 'public.staff', 'user_id', 'joined_on') $$,
  'there_is_one_roster', 'there is no second one, of whatever table'
);
select lives_ok(
  $$ insert into scheduler.tracked_sources (kind, source, user_column, date_column) values ('activity', 'public.staff', 'user_id', 'joined_on') $$,
  'of activities there are as many as there are'
);

select tests.organisation() as organisation \gset
select set_config('tests.organisation', :'organisation', true);

-- A table that has its default row already: no second one, and one of an organisation, once.
create function pg_temp.one_row(settings text, columns text, "values" text, key text) returns setof text language plpgsql as $$
declare
  statement constant text := format('insert into %s (organisation_id%s) values (%%L%s)', settings, ', ' || columns, ', ' || "values");
begin
  return next pg_temp.second_is_refused(format(statement, null), key, settings || ' has one default row');
  return next lives_ok(format(statement, current_setting('tests.organisation')), settings || ' takes one of an organisation');
  return next pg_temp.second_is_refused(
    format(statement, current_setting('tests.organisation')), key, settings || ' takes no second one of it'
  );
end;
$$;

select pg_temp.one_row('scheduler.organisation_settings', 'daily_cap', '1', 'one_settings_row_per_organisation');
select pg_temp.one_row(
  'scheduler.scenario_config', 'scenario_type, cooldown_days', $$'inactivity', 20$$, 'one_config_per_organisation_and_scenario'
);
select pg_temp.one_row(
  'scheduler.scenario_templates', 'scenario_type, locale, title, body', $$'inactivity', 'nb', 'title', 'body'$$,
  'one_template_per_organisation_scenario_locale'
);

select * from finish();
rollback;
