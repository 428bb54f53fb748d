-- An admin's figures are those of the own organisation: what was held back equals, by reason, what the evaluation held back there.

begin;
select plan(24);
set local timezone = 'Europe/Oslo';

select tests.organisation() as own \gset
select tests.organisation() as theirs \gset
select tests.organisation() as untouched \gset
select tests.staff('admin', :'own') as admin \gset
select tests.staff('admin', :'theirs') as their_admin \gset
select tests.staff('admin', :'untouched') as idle_admin \gset
update scheduler.organisation_settings set quiet_start = null, quiet_end = null;

-- In each: who gets a push, who opted out, who has no device, who rests, and who had all reminders.
create function pg_temp.populated(organisation uuid, candidates integer, opted_out integer, no_device integer, cooling integer, reminded integer) returns void
language plpgsql as $$
declare
  mentor uuid;
begin
  perform tests.mentor(organisation_id => organisation, joined_on => '2026-01-01') from generate_series(1, candidates);
  for i in 1..opted_out loop
    insert into public.notification_preferences (user_id, scenario_type, push_enabled)
    values (tests.mentor(organisation_id => organisation, joined_on => '2026-01-01'), 'inactivity', false);
  end loop;
  for i in 1..no_device loop
    mentor := tests.mentor(organisation_id => organisation, joined_on => '2026-01-01');
    delete from public.device_tokens where user_id = mentor;
  end loop;
  for i in 1..cooling loop
    mentor := tests.mentor(organisation_id => organisation, joined_on => '2025-12-01');
    perform tests.queued(mentor, 'inactivity', 'inactivity:2025-12-01:1', '2026-03-01');
    update scheduler.mentor_state set inactivity_rests_until = '2026-03-31', inactivity_reminders = 1 where user_id = mentor;
  end loop;
  for i in 1..reminded loop
    mentor := tests.mentor(organisation_id => organisation, joined_on => '2025-06-01');
    update scheduler.mentor_state set inactivity_reminders = 3 where user_id = mentor;
  end loop;
  perform tests.mentor(organisation_id => organisation, joined_on => '2026-03-09');
end;
$$;
select pg_temp.populated(:'own', 3, 2, 1, 1, 0), pg_temp.populated(:'theirs', 1, 1, 4, 0, 2);

select gen_random_uuid() as run \gset
select public.run_scenario_evaluation(as_of => '2026-03-10 07:00+01', invocation_id => :'run');

create function pg_temp.figures(caller uuid, run uuid) returns jsonb language plpgsql as $$
declare
  answer jsonb;
begin
  perform tests.as_caller(caller);
  select to_jsonb((got).figures) into answer from public.get_invocation(run) as got;
  reset role;
  return answer;
end;
$$;
select pg_temp.figures(:'admin', :'run') as own_figures, pg_temp.figures(:'their_admin', :'run') as their_figures \gset

select is((:'own_figures'::jsonb ->> 'total_active_mentors')::integer, 8, 'an admin is told the active mentors of the own organisation');
select is((:'own_figures'::jsonb ->> 'total_evaluated')::integer, 8, 'how many of them were evaluated');
select is((:'own_figures'::jsonb ->> 'total_candidates')::integer, 3, 'how many get a push');
select is(:'own_figures'::jsonb -> 'suppressed', '{"inactivity": {"opted_out": 2, "no_device": 1, "cooldown": 1}}', 'what was held back, by scenario and reason');
select is((:'own_figures'::jsonb ->> 'total_suppressed')::integer, 4, 'and in all');
select is(:'their_figures'::jsonb -> 'suppressed', '{"inactivity": {"opted_out": 1, "no_device": 4, "max_reminders": 2}}', 'the others are told theirs');
select is((:'their_figures'::jsonb ->> 'total_suppressed')::integer, 7, 'in all');
select is((:'their_figures'::jsonb ->> 'total_evaluated')::integer, 9, 'of theirs');
select is((:'their_figures'::jsonb ->> 'total_candidates')::integer, 1, 'with their pushes');

-- The whole is the sum of its parts.
select is(
  (select total_active_mentors::bigint from scheduler.invocations where id = :'run'),
  (select sum(total_active_mentors) from scheduler.invocation_shares where invocation_id = :'run'), 'the active mentors of all organisations are those of the ledger'
);
select is(
  (select total_evaluated::bigint from scheduler.invocations where id = :'run'),
  (select sum(total_evaluated) from scheduler.invocation_shares where invocation_id = :'run'), 'so are the evaluated ones'
);
select is(
  (select total_candidates::bigint from scheduler.invocations where id = :'run'),
  (select sum(total_candidates) from scheduler.invocation_shares where invocation_id = :'run'), 'the candidates'
);
select results_eq(
  format($$
    select reason.key, sum(reason.value::integer)
    from scheduler.invocation_shares as share, jsonb_each(share.suppressed) as scenario, jsonb_each_text(scenario.value) as reason
    where share.invocation_id = %L group by reason.key order by reason.key
  $$, :'run'),
  format($$
    select reason.key, reason.value::bigint
    from scheduler.invocations as run, jsonb_each(run.suppressed) as scenario, jsonb_each_text(scenario.value) as reason
    where run.id = %L order by reason.key
  $$, :'run'), 'and what was held back, reason by reason'
);
select is((select total_suppressed from scheduler.invocations where id = :'run'), 11, 'all together');
select is(
  (select count(*) from scheduler.invocation_shares where invocation_id = :'run'), 2::bigint, 'only who has active mentors has a share'
);
select is(
  pg_temp.figures(:'idle_admin', :'run') -> 'total_evaluated', 'null', 'who has no share is told nothing'
);
select is(pg_temp.figures(:'idle_admin', :'run') -> 'suppressed', 'null', 'of any kind');

-- Admin of both.
select tests.staff('admin', :'theirs', :'admin');
select pg_temp.figures(:'admin', :'run') as both_figures \gset
select is(:'both_figures'::jsonb -> 'suppressed', '{"inactivity": {"opted_out": 3, "no_device": 5, "cooldown": 1, "max_reminders": 2}}', 'an admin of several organisations is told their sum');
select is((:'both_figures'::jsonb ->> 'total_evaluated')::integer, 17, 'of all');

-- A run of one organisation, on which nothing is held back.
update public.peer_mentors set status = 'inactive' where organisation_id = :'own' and joined_on < '2026-03-01';
select gen_random_uuid() as narrow \gset
select public.run_scenario_evaluation(as_of => '2026-03-11 07:00+01', invocation_id => :'narrow', organisation_ids => array[:'own']::uuid[]);
select is(pg_temp.figures(:'admin', :'narrow') -> 'suppressed', '{}', 'where nothing was held back, that is known');
select is(pg_temp.figures(:'admin', :'narrow') -> 'total_suppressed', '0', 'to be nothing');
select is(pg_temp.figures(:'admin', :'narrow') -> 'total_active_mentors', '1', 'of who is active still');
select throws_ok(format('select pg_temp.figures(%L, %L)', :'their_admin', :'narrow'), 'P0002', 'there is no run ' || :'narrow', 'the others are told that there is no such run');
select is((select count(*) from scheduler.invocation_shares where invocation_id = :'narrow'), 1::bigint, 'and have no share in it');

select * from finish();
rollback;
