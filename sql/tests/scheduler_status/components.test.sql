begin;
select plan(16);

create function pg_temp.status_of(wanted text) returns text language sql
as $$ select status from public.scheduler_status() where component = wanted $$;
create function pg_temp.detail_of(wanted text) returns text language sql
as $$ select detail from public.scheduler_status() where component = wanted $$;

select tests.mentor() as mentor \gset
select is(pg_temp.status_of('roster'), 'ok', 'a tracked roster is ok');
select matches(pg_temp.detail_of('roster'), '^1 active mentors in 1 organisations, from (public\.)?peer_mentors$', 'the roster''s size is told');
select is(pg_temp.status_of('activity'), 'ok', 'a tracked activity table is ok');
select is(pg_temp.status_of('time zones'), 'ok', 'valid zones are ok');
select is(pg_temp.status_of('last evaluation'), 'warn', 'never having evaluated is a warning');

select count(*) from public.run_scenario_evaluation();
select is(pg_temp.status_of('last evaluation'), 'ok', 'an evaluation just now is ok');
update scheduler.invocations set started_at = now() - interval '27 hours';
select is(pg_temp.status_of('last evaluation'), 'warn', 'a day and more without an evaluation is a warning');

select is(pg_temp.status_of('outbox'), 'ok', 'pending pushes that are not late are ok');
update scheduler.notifications set deliver_after = now() - interval '4 days', expires_at = now() - interval '1 day';
select is(pg_temp.status_of('outbox'), 'warn', 'pending pushes past their expiry are a warning');

select is(pg_temp.status_of('paused'), 'ok', 'nothing paused is ok');
update scheduler.organisation_settings set paused = true where organisation_id is null;
select is(pg_temp.status_of('paused'), 'warn', 'everything paused is a warning');
select matches(pg_temp.detail_of('paused'), '^everything since .* by postgres \(no reason given\)$', 'which says since when and by whom');

delete from scheduler.scenario_templates where scenario_type = 'milestone';
select is(pg_temp.status_of('scenario milestone'), 'warn', 'a scenario without a text is a warning');
select is(pg_temp.status_of('scenario expiry'), 'ok', 'other scenarios stay ok');

delete from public.organisations where id <> 'aaaaaaaa-0000-4000-8000-000000000000';
update public.organisations set timezone = null;
select is(pg_temp.status_of('time zones'), 'warn', 'an organisation without a zone is a warning');

select scheduler.untrack('public.activities');
select is(pg_temp.status_of('activity'), 'fail', 'no tracked activity is a failure');

select * from finish();
rollback;
