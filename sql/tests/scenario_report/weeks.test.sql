begin;
select plan(22);

-- 2026-03-09 is a Monday.
create function pg_temp.pushed(mentor uuid, day date, scenario text default 'inactivity', status text default 'sent', sent_at timestamptz default null) returns void language sql as $$
  insert into scheduler.notifications (user_id, scenario_type, occurrence_key, evaluation_date, status, title, body, sent_at)
  values (mentor, scenario, scenario || ':' || day, day, status, 'title', 'body', case when status = 'sent' then coalesce(pushed.sent_at, tests.noon(day)) end);
$$;
create function pg_temp.report(week date, scenario text default 'inactivity') returns text language sql as $$
  select format('%s candidates, %s sent, %s nudged, %s active again', candidates, sent, nudged, active_again)
  from scheduler.scenario_report as r where r.week = report.week and scenario_type = scenario;
$$;

select is_empty('select * from scheduler.scenario_report', 'nothing decided is nothing to report');
select tests.mentor() as a \gset
select tests.mentor() as b \gset
select tests.mentor() as c \gset
select pg_temp.pushed(:'a', '2026-03-09');
select pg_temp.pushed(:'b', '2026-03-15');
select pg_temp.pushed(:'c', '2026-03-12', status => 'expired');
select pg_temp.pushed(:'a', '2026-03-16', scenario => 'milestone');
select is(pg_temp.report('2026-03-09'), '3 candidates, 2 sent, 2 nudged, 0 active again', 'a week is from Monday to Sunday');
select is(pg_temp.report('2026-03-16', 'milestone'), '1 candidates, 1 sent, 1 nudged, 0 active again', 'each scenario has its own line');
select is(pg_temp.report('2026-03-16'), null, 'a scenario of which there was nothing has none');
select is((select count(*) from scheduler.scenario_report), 2::bigint, 'there are no others');

-- Active again.
select tests.active_on(:'a', '2026-03-08', '2026-03-09');
select is(pg_temp.report('2026-03-09'), '3 candidates, 2 sent, 2 nudged, 0 active again', 'an activity before the push, or on its day, is not because of it');
select tests.active_on(:'a', '2026-03-24');
select is(pg_temp.report('2026-03-09'), '3 candidates, 2 sent, 2 nudged, 0 active again', 'nor one after more than 14 days');
select tests.active_on(:'c', '2026-03-13');
select is(pg_temp.report('2026-03-09'), '3 candidates, 2 sent, 2 nudged, 0 active again', 'nor that of a mentor who got none');
select tests.active_on(:'a', '2026-03-23');
select is(pg_temp.report('2026-03-09'), '3 candidates, 2 sent, 2 nudged, 1 active again', 'one on the 14th day counts');
select tests.active_on(:'a', '2026-03-10', '2026-03-11', '2026-03-12');
select is(pg_temp.report('2026-03-09'), '3 candidates, 2 sent, 2 nudged, 1 active again', 'a mentor counts once');
select tests.active_on(:'b', '2026-03-16');
select is(pg_temp.report('2026-03-09'), '3 candidates, 2 sent, 2 nudged, 2 active again', 'each mentor does');
select pg_temp.pushed(:'a', '2026-03-11');
select is(pg_temp.report('2026-03-09'), '4 candidates, 3 sent, 2 nudged, 2 active again', 'a mentor who was nudged twice in a week is one');

-- Days are Oslo's.
select tests.mentor() as d \gset
select pg_temp.pushed(:'d', '2026-06-01', sent_at => '2026-06-01 22:30Z');
select tests.active_on(:'d', '2026-06-02');
select is(pg_temp.report('2026-06-01'), '1 candidates, 1 sent, 1 nudged, 0 active again', 'half past midnight in Oslo is that day: an activity on it is not after');
select tests.active_on(:'d', '2026-06-03');
select is(pg_temp.report('2026-06-01'), '1 candidates, 1 sent, 1 nudged, 1 active again', 'one on the next is');

-- Held back.
create function pg_temp.held_back(week date, scenario text default 'inactivity') returns jsonb language sql as $$
  select suppressed from scheduler.scenario_report as r where r.week = held_back.week and scenario_type = scenario;
$$;
insert into scheduler.invocations (job_name, status, as_of, suppressed, dry_run)
values
  ('scenario-evaluation', 'completed', '2026-03-09 06:00Z', '{"inactivity": {"cooldown": 2, "opted_out": 1}, "expiry": {"no_device": 4}}', false),
  ('scenario-evaluation', 'completed', '2026-03-10 06:00Z', '{"inactivity": {"cooldown": 3}}', false),
  ('scenario-evaluation', 'completed', '2026-03-10 07:00Z', '{"inactivity": {"cooldown": 100}}', true),
  ('scenario-evaluation', 'failed', null, null, false),
  ('scenario-evaluation', 'completed', '2026-03-15 23:30Z', '{"inactivity": {"frequency_cap": 5}}', false);
select is(pg_temp.held_back('2026-03-09'), '{"cooldown": 5, "opted_out": 1}', 'what runs held back is added up by reason, but not of dry runs');
select is(pg_temp.held_back('2026-03-16'), '{"frequency_cap": 5}', 'half past eleven on Sunday, UTC, is Monday in Oslo');
select is(pg_temp.held_back('2026-03-09', 'expiry'), '{"no_device": 4}', 'also where nothing was decided on');
select is(pg_temp.report('2026-03-09', 'expiry'), '0 candidates, 0 sent, 0 nudged, 0 active again', 'which has a line of noughts');
select is(pg_temp.held_back('2026-06-01'), '{}', 'nothing held back is nothing');

-- The order, and whatever comes.
select is((select week from scheduler.scenario_report limit 1), '2026-06-01', 'the newest week first');
select is((select count(*) from (select week, scenario_type from scheduler.scenario_report group by 1, 2 having count(*) > 1) as twice), 0::bigint, 'a week and scenario is one line');
select is((select count(*) from scheduler.scenario_report where num_nulls(week, scenario_type, candidates, sent, suppressed, nudged, active_again) > 0), 0::bigint, 'and no line has a hole');

select * from finish();
rollback;
