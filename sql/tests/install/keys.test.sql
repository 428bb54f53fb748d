-- The keys that hold where every look before them was too early. Functions look
-- first and say it better, so none of their own tests need meet a key.

begin;
select plan(24);
select tests.mentor() as mentor \gset
select tests.mentor() as other \gset

-- The statement runs once; run again, the key refuses it.
create function pg_temp.once(statement text, key text, rule text) returns setof text language plpgsql as $$
begin
  return next lives_ok(statement, rule || ': one');
  return next throws_ok(statement, '23505', 'duplicate key value violates unique constraint "' || key || '"', rule || ': no second one');
end;
$$;

select pg_temp.once(
  format($$ insert into scheduler.scenario_cooldowns (user_id, scenario_type, cooldown_window_start, cooldown_until) values (%L, 'inactivity', '2026-03-10', '2026-04-09') $$, :'mentor'),
  'one_window_per_mentor_scenario_start', 'a mentor''s windows of a scenario that begin on one day'
);
select lives_ok(
  format($$ insert into scheduler.scenario_cooldowns (user_id, scenario_type, cooldown_window_start, cooldown_until) values (%L, 'inactivity', '2026-03-10', '2026-04-09') $$, :'other'),
  'another mentor has windows of her own'
);

select lives_ok(format($$ select tests.queued(%L, 'inactivity', 'inactivity:2026-01-01:1', '2026-03-10') $$, :'mentor'), 'a mentor''s notifications of a scenario and a day: one');
select throws_ok(
  format($$ select tests.queued(%L, 'inactivity', 'inactivity:2026-01-01:2', '2026-03-10') $$, :'mentor'),
  '23505', 'duplicate key value violates unique constraint "one_notification_per_mentor_scenario_day"', 'a mentor''s notifications of a scenario and a day: no second one'
);
select throws_ok(
  format($$ select tests.queued(%L, 'inactivity', 'inactivity:2026-01-01:1', '2026-03-11') $$, :'mentor'),
  '23505', 'duplicate key value violates unique constraint "one_notification_per_occurrence"', 'nor, on another day, one of the same occurrence'
);
update scheduler.notifications set status = 'cancelled';
select lives_ok(
  format($$ select tests.queued(%L, 'inactivity', 'inactivity:2026-01-01:1', '2026-03-11') $$, :'mentor'),
  'one that was cancelled leaves its occurrence free'
);
select throws_ok(
  format($$ select tests.queued(%L, 'inactivity', 'inactivity:2026-01-01:2', '2026-03-10') $$, :'mentor'),
  '23505', 'duplicate key value violates unique constraint "one_notification_per_mentor_scenario_day"', 'but not its day'
);

select pg_temp.once(
  $$ insert into scheduler.invocations (job_name, status, scheduled_for) values ('scenario-evaluation', 'completed', '2026-03-10 06:00+00') $$,
  'one_run_per_tick', 'runs of a tick'
);
select pg_temp.once(
  $$ insert into scheduler.invocations (job_name, status) values ('scenario-evaluation', 'running') $$,
  'one_running_run_per_job', 'runs of a job that are on'
);
select pg_temp.once(
  $$ insert into scheduler.invocations (job_name, status, webhook_id) values ('dispatch-backlog', 'completed', 'msg_1') $$,
  'a_webhook_runs_once', 'runs of a request'
);
select pg_temp.once(
  $$ insert into scheduler.invocations (job_name, status, retry_of) values ('dispatch-backlog', 'completed', '11111111-1111-4111-8111-111111111111') $$,
  'a_run_is_retried_once', 'runs that make up for one'
);
select pg_temp.once(
  format($$ insert into scheduler.idempotency_keys (user_id, idempotency_key, request) values (%L, 'first', '{}') $$, :'mentor'),
  'idempotency_keys_pkey', 'requests of somebody under a key'
);
select pg_temp.once(
  format($$ insert into public.device_tokens (token, user_id) values ('a token', %L) $$, :'mentor'),
  'device_token_belongs_to_one_user', 'owners of a device'
);
select pg_temp.once(
  format($$ insert into public.certifications (user_id, external_id) values (%L, 'C1') $$, :'mentor'),
  'a_certification_of_the_portal_comes_once', 'rows of a portal''s certification'
);
select pg_temp.once(
  $$ insert into scheduler.pauses (paused_by) values ('an operator') $$,
  'paused_once', 'open pauses of everything'
);

select * from finish();
rollback;
