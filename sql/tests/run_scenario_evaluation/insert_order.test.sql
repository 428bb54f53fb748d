-- Rows are locked as they are written: all windows in the order of the mentors,
-- then all notifications in that order, so that whoever else writes several of
-- them likewise can't deadlock with it.

begin;
select plan(4);

-- They are found by how long they have been silent, which is the other way round.
select tests.mentor(id => ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, joined_on => date '2025-06-01' - n)
from generate_series(1, 50) as n;
-- Some are due for a second scenario, which another detector finds.
select tests.certified_until(id, '2026-03-20') from public.peer_mentors where right(id::text, 1) = '7';
update scheduler.organisation_settings set daily_cap = null, weekly_cap = null;
create temporary table returned on commit drop as
select row_number() over () as place, candidate.* from public.run_scenario_evaluation(as_of => tests.noon('2026-03-10')) as candidate;

create temporary table in_order on commit drop as
select user_id, scenario_type from scheduler.notifications order by user_id, scenario_type;
select is((select count(*) from in_order), 55::bigint, 'everybody is due, five of them twice');
select results_eq(
  'select user_id, scenario_type from scheduler.notifications order by ctid', 'table in_order', 'the outbox is written in the order of the mentors'
);
select results_eq(
  'select user_id, scenario_type from scheduler.scenario_cooldowns order by ctid', 'table in_order', 'and so are the windows'
);
select results_eq(
  'select user_id, scenario_type from returned order by notification_id', 'table in_order', 'under ids that follow it'
);

select * from finish();
rollback;
