begin;
select plan(2);

select throws_ok(
  $$update scheduler.organisation_settings set quiet_end = '24:00'$$, '23514', null,
  'quiet hours end at a time that a clock shows: 24:00 is refused'
);
select throws_ok(
  $$insert into scheduler.organisation_settings (organisation_id, quiet_start) values (gen_random_uuid(), '24:00')$$, '23514', null,
  'quiet hours start at a time that a clock shows: 24:00 is refused'
);

select * from finish();
rollback;
