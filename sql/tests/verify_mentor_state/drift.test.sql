-- verify reports drift of each kind, and rebuild repairs it and says how many rows it corrected.

begin;
select plan(30);

select tests.mentor(joined_on => '2026-01-01') as mentor \gset
select tests.mentor(joined_on => '2026-01-02') as other \gset
select tests.active_on(:'mentor', variadic array(select date '2026-01-01' + n from generate_series(1, 12) as n));

create function pg_temp.drift(statement text) returns text
language plpgsql
as $$
begin
  execute statement;
  return (select string_agg(difference, '; ' order by difference) from scheduler.verify_mentor_state());
end;
$$;

select is(pg_temp.drift('select 1'), null, 'there is no drift at first');
select is(scheduler.rebuild_mentor_state(), 0::bigint, 'so nothing is corrected');

-- column, its wrong value, what verify calls it
create temp table injected (name text, value text, difference text);
insert into injected values
  ('activity_count', '11', 'differs: activity_count'),
  ('activity_count', '13', 'differs: activity_count'),
  ('last_activity_on', '''2026-01-12''', 'differs: last_activity_on'),
  ('last_activity_on', 'null', 'differs: last_activity_on'),
  ('joined_on', '''2020-01-01''', 'differs: joined_on'),
  ('timezone', '''UTC''', 'differs: timezone'),
  ('locale', '''en''', 'differs: locale'),
  ('next_milestone', '50', 'differs: next_milestone'),
  ('next_milestone', 'null', 'differs: next_milestone'),
  ('on_roster', 'false', 'differs: on_roster'),
  ('active', 'false', 'active mentors of organisation aaaaaaaa-0000-4000-8000-000000000000; differs: active'),
  ('organisation_id', '''bbbbbbbb-0000-4000-8000-000000000000''',
    'active mentors of organisation aaaaaaaa-0000-4000-8000-000000000000; '
      'active mentors of organisation bbbbbbbb-0000-4000-8000-000000000000; differs: organisation_id');

select is(
  pg_temp.drift(format('update scheduler.mentor_state set %I = %s where user_id = %L', name, value, :'mentor'))
    || ' / ' || scheduler.rebuild_mentor_state()
    || ' / ' || coalesce(pg_temp.drift('select 1'), 'none'),
  difference || ' / 1 / none',
  format('%s changed to %s is reported, repaired and counted', name, value)
)
from injected;

select is(
  pg_temp.drift(format('delete from scheduler.mentor_state where user_id = %L', :'mentor')),
  'active mentors of organisation aaaaaaaa-0000-4000-8000-000000000000; missing', 'a missing row is reported'
);
select is(scheduler.rebuild_mentor_state(), 1::bigint, 'repaired and counted');
select is(pg_temp.drift('select 1'), null, 'and there again');

select is(
  pg_temp.drift($$ insert into scheduler.mentor_state (user_id) values ('11111111-0000-4000-8000-000000000000') $$),
  'superfluous', 'a superfluous row is reported'
);
select is(scheduler.rebuild_mentor_state(), 1::bigint, 'removed and counted');
select is(pg_temp.drift('select 1'), null, 'and gone');

select is(
  pg_temp.drift('update scheduler.organisation_state set active_mentors = 7'),
  'active mentors of organisation aaaaaaaa-0000-4000-8000-000000000000', 'a wrong number of active mentors is reported'
);
select scheduler.rebuild_mentor_state();
select is(pg_temp.drift('select 1'), null, 'and repaired');
select is(
  pg_temp.drift('delete from scheduler.organisation_state'),
  'active mentors of organisation aaaaaaaa-0000-4000-8000-000000000000', 'a missing number is reported'
);
select scheduler.rebuild_mentor_state();
select is(pg_temp.drift('select 1'), null, 'and repaired');
select is(
  pg_temp.drift($$ insert into scheduler.organisation_state values ('cccccccc-0000-4000-8000-000000000000', 3) $$),
  'active mentors of organisation cccccccc-0000-4000-8000-000000000000', 'a superfluous number is reported'
);
select scheduler.rebuild_mentor_state();
select is(pg_temp.drift('select 1'), null, 'and removed');

update scheduler.mentor_state set activity_count = 1, active = false;
select is(
  (select expected ->> 'activity_count' || ' instead of ' || (actual ->> 'activity_count')
    from scheduler.verify_mentor_state() where user_id = :'mentor'),
  '12 instead of 1', 'what is expected and what is there stand side by side'
);
select is(scheduler.rebuild_mentor_state(), 2::bigint, 'each corrected row is counted');

-- As a restore or a bulk load does it: past the triggers.
alter table public.activities disable trigger user;
insert into public.activities (user_id, activity_date) values (:'other', '2026-02-01'), (:'mentor', '2026-02-01');
delete from public.activities where activity_date = '2026-01-05';
alter table public.activities enable trigger user;
select is(pg_temp.drift('select 1'), 'differs: activity_count, last_activity_on, next_milestone; differs: last_activity_on', 'what was written past the triggers is reported');
select is(scheduler.rebuild_mentor_state(), 2::bigint, 'and repaired');

select * from finish();
rollback;
