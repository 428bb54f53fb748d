begin;
select plan(9);

update scheduler.organisation_settings set daily_cap = null, weekly_cap = null;

-- The first window of a scenario starts at the anchor, however late the run.
select tests.mentor(joined_on => '2026-02-01') as mentor \gset
select tests.pushed(:'mentor', tests.noon('2026-04-20')) as key \gset
select results_eq(
  format($$ select cooldown_window_start, cooldown_until, occurrence_key from scheduler.scenario_cooldowns where user_id = %L $$, :'mentor'),
  $$ values (date '2026-03-03', date '2026-05-20', 'inactivity:2026-02-01:1') $$,
  'the first window starts at the anchor and ends cooldown_days after the evaluation date'
);
select is(
  (select cooldown_window_start from scheduler.notifications where user_id = :'mentor'), date '2026-03-03',
  'the notification names its window'
);
select isnt(
  (select notification_id from scheduler.scenario_cooldowns where user_id = :'mentor'), null,
  'the window names its notification'
);

-- An anchor before the end of the latest window gives way to it, a later one does not.
select tests.mentor() as certified \gset
select tests.certified_until(:'certified', '2026-06-30');
insert into scheduler.scenario_cooldowns (user_id, scenario_type, cooldown_window_start, cooldown_until)
values (:'certified', 'expiry', '2026-04-20', '2026-05-05');
select tests.pushed(:'certified', tests.noon('2026-05-10'), 'expiry') as key \gset
select is(
  (select max(cooldown_window_start) from scheduler.scenario_cooldowns where user_id = :'certified'), date '2026-05-05',
  'a window starts where the latest one ended, if that is after the anchor'
);
select tests.pushed(:'certified', tests.noon('2026-06-02'), 'expiry') as key \gset
select is(
  (select max(cooldown_window_start) from scheduler.scenario_cooldowns where user_id = :'certified'), date '2026-05-31',
  'a window starts at the anchor, if that is after the end of the latest one'
);

update scheduler.scenario_config set cooldown_days = 5 where scenario_type = 'expiry';
select tests.mentor() as patient \gset
select tests.certified_until(:'patient', '2026-06-30');
select tests.certified_until(:'patient', '2026-06-20');
select tests.pushed(:'patient', tests.noon('2026-06-15'), 'expiry') as key \gset
select is(
  tests.foreseen(:'patient', tests.noon('2026-06-19'), 'expiry'), null,
  'a configured cooldown of 5 days holds for 5 days'
);
select is(
  tests.foreseen(:'patient', tests.noon('2026-06-20'), 'expiry'), 'expiry:2026-06-30:30',
  'a configured cooldown of 5 days is over on the fifth day after the run'
);

-- Much that is due, evaluated on many days, those of ten days in no order.
update scheduler.scenario_config set params = '{"threshold_days": 5, "max_reminders": null}', cooldown_days = 7
where scenario_type = 'inactivity';
select tests.mentor() as lively \gset
select tests.active_on(:'lively', variadic array(select date '2027-01-01' + n * 11 from generate_series(0, 12) as n));
select tests.certified_until(:'lively', date '2027-02-01' + n * 9) from generate_series(1, 8) as n;
select tests.evaluate(tests.noon(date '2027-01-01' + n)) from generate_series(0, 150) as n order by n / 10, md5(n::text);

select cmp_ok(
  (select count(*) from scheduler.scenario_cooldowns where user_id = :'lively'), '>=', 15::bigint,
  'many windows are opened when much is due'
);
select is_empty(
  $$
    select one.user_id
    from scheduler.scenario_cooldowns as one
    join scheduler.scenario_cooldowns as other
      on other.user_id = one.user_id and other.scenario_type = one.scenario_type and other.id > one.id
    where daterange(one.cooldown_window_start, one.cooldown_until)
      && daterange(other.cooldown_window_start, other.cooldown_until)
  $$,
  'windows of one mentor and scenario never overlap, in whatever order days are evaluated'
);

select * from finish();
rollback;
