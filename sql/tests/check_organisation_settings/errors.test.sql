begin;
select plan(10);

select throws_ok(
  $$ update scheduler.organisation_settings set timezone = 'Mars/Phobos' where organisation_id is null $$,
  '22023', 'unknown time zone ''Mars/Phobos''',
  'default settings with an invalid zone are refused, and the zone named'
);
select alike(
  tests.hint_of($$ update scheduler.organisation_settings set timezone = 'Mars/Phobos' where organisation_id is null $$), '%Europe/Oslo%',
  'the hint shows what a zone looks like'
);
select throws_ok(
  $$ update scheduler.organisation_settings set timezone = '' where organisation_id is null $$,
  '22023', null,
  'default settings with a blank zone are refused'
);
select lives_ok(
  $$ update scheduler.organisation_settings set timezone = 'Pacific/Auckland' where organisation_id is null $$,
  'default settings with a valid zone are accepted'
);
select throws_ok(
  $$ insert into scheduler.organisation_settings (organisation_id, timezone) values (gen_random_uuid(), 'Europe/Oslo') $$,
  '22023', null,
  'a zone in the settings of an organisation is refused, as it would not be used'
);
select throws_ok(
  $$ insert into scheduler.organisation_settings (organisation_id, daily_cap) values (gen_random_uuid(), -1) $$,
  '23514', null,
  'a negative daily cap is refused'
);
select throws_ok(
  $$ insert into scheduler.organisation_settings (organisation_id, weekly_cap) values (gen_random_uuid(), -1) $$,
  '23514', null,
  'a negative weekly cap is refused'
);
select throws_ok(
  $$ insert into scheduler.organisation_settings (organisation_id, on_ambiguous) values (gen_random_uuid(), 'guess') $$,
  '23514', null,
  'on_ambiguous is resend or quarantine'
);
select throws_ok(
  $$ insert into scheduler.organisation_settings (organisation_id) values (null) $$,
  '23505', null,
  'there is one default row'
);
update scheduler.organisation_settings set timezone = 'Europe/Oslo' where organisation_id is null;
select results_eq(
  $$
    select paused, daily_cap, weekly_cap, quiet_start, quiet_end, on_ambiguous, timezone from scheduler.organisation_settings
    where organisation_id is null
  $$,
  $$ values (false, 1, 3, time '21:00', time '08:00', 'resend', 'Europe/Oslo') $$,
  'the default row is shipped with the documented values'
);

select * from finish();
rollback;
