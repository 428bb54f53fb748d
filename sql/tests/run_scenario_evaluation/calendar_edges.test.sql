begin;
select plan(22);

update scheduler.organisation_settings set daily_cap = null, weekly_cap = null;

-- Thirty days are thirty days, whatever the length of the month.
create temporary table silence (last_activity_on date, due_on date) on commit drop;
insert into silence
values
  ('2026-01-29', '2026-02-28'), ('2026-01-30', '2026-03-01'), ('2026-01-31', '2026-03-02'), ('2026-02-28', '2026-03-30'),
  ('2025-12-31', '2026-01-30'), ('2028-01-30', '2028-02-29'), ('2028-01-31', '2028-03-01'), ('2028-02-29', '2028-03-30');
create function pg_temp.due_after(last_activity_on date, day date) returns text language sql as $$
  delete from public.peer_mentors;
  delete from public.device_tokens;
  select tests.active_on(tests.mentor(id => 'bbbbbbbb-0000-4000-8000-000000000000'), last_activity_on);
  select tests.foreseen('bbbbbbbb-0000-4000-8000-000000000000', tests.noon(day), 'inactivity');
$$;
select is(
  pg_temp.due_after(last_activity_on, due_on - 1), null,
  format('a mentor last active on %s is not due on %s', last_activity_on, due_on - 1)
)
from silence;
select is(
  pg_temp.due_after(last_activity_on, due_on), format('inactivity:%s:1', last_activity_on),
  format('a mentor last active on %s is due on %s', last_activity_on, due_on)
)
from silence;

-- A leap day as the end of a certification, and inside a lookback.
select tests.mentor() as certified \gset
select tests.certified_until(:'certified', '2028-02-29');
select is(
  tests.foreseen(:'certified', tests.noon('2027-12-30'), 'expiry'), null,
  'what expires on a leap day is not due 61 days before, on 30 December'
);
select is(
  tests.foreseen(:'certified', tests.noon('2027-12-31'), 'expiry'), 'expiry:2028-02-29:60',
  'what expires on a leap day is due 60 days before, on 31 December'
);
select is(
  tests.foreseen(:'certified', tests.noon('2028-02-29'), 'expiry'), 'expiry:2028-02-29:7',
  'what expires on a leap day is due on that day'
);
select tests.mentor() as active \gset
select tests.active_on(:'active', '2028-02-29');
select is(
  tests.foreseen(:'active', tests.noon('2028-03-13'), 'milestone'), 'milestone:1',
  'the 14 days of the lookback from a leap day end on 13 March'
);
select is(
  tests.foreseen(:'active', tests.noon('2028-03-14'), 'milestone'), null,
  'the milestone of a leap day is not due on 14 March'
);

-- A cooldown over the end of a leap February.
select tests.mentor(joined_on => '2027-12-01') as rested \gset
select tests.pushed(:'rested', tests.noon('2028-01-31'), 'inactivity') as key \gset
select is(
  (select cooldown_until from scheduler.scenario_cooldowns where user_id = :'rested'), date '2028-03-01',
  'thirty days of cooldown from 31 January 2028 end on 1 March'
);

select * from finish();
rollback;
