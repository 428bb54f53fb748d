begin;
select plan(12);

select tests.organisation() as organisation \gset
create function pg_temp.open() returns text language sql as $$
  select string_agg(concat_ws(' ', coalesce(organisation_id::text, 'everything'), 'by', paused_by), ', ' order by organisation_id nulls first)
  from scheduler.pauses where resumed_at is null;
$$;

insert into scheduler.organisation_settings (organisation_id, paused) values (:'organisation', true);
select is(pg_temp.open(), :'organisation' || ' by postgres', 'an organisation that is paused by hand is noted');
update scheduler.organisation_settings set paused = true, daily_cap = 2 where organisation_id = :'organisation';
select is((select count(*) from scheduler.pauses), 1::bigint, 'once');
update scheduler.organisation_settings set paused = false where organisation_id = :'organisation';
select is(pg_temp.open(), null, 'and its end');
select results_eq('select resumed_by, resumed_at from scheduler.pauses', $$ values ('postgres', now()) $$, 'with who ended it');
update scheduler.organisation_settings set paused = true where organisation_id = :'organisation';
delete from scheduler.organisation_settings where organisation_id = :'organisation';
select is(pg_temp.open(), null, 'settings that are gone pause nothing');
select is((select count(*) from scheduler.pauses), 2::bigint, 'what was is kept');
insert into scheduler.organisation_settings (organisation_id, paused) values (:'organisation', false);
select is((select count(*) from scheduler.pauses), 2::bigint, 'settings that pause nothing are not noted');

update scheduler.organisation_settings set paused = true where organisation_id is null;
select is(pg_temp.open(), 'everything by postgres', 'everything that is paused by hand is noted');
select is((select string_agg(jobname, ', ') from cron.job where active), 'scenario-scheduler-dispatch', 'and no entry is active but the minute''s, which looks after requests that are out');
select matches(scheduler.resume(), '^everything: resumed', 'resume ends it');
select is((select paused from scheduler.organisation_settings where organisation_id is null), false, 'in the settings too');
select is((select count(*) from cron.job where active), 4::bigint, 'and the entries are active');

select * from finish();
rollback;
