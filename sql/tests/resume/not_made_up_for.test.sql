-- A pause was meant: what would have come in it is not made up for.

begin;
select plan(11);
select tests.configured();
select tests.organisation() as organisation \gset
create function pg_temp.counts_from(job text) returns timestamptz language sql as $$ select last_tick_for from scheduler.jobs where job_name = job $$;

select tests.ticked_until('2026-01-01');
select scheduler.pause(job_name => 'scenario-evaluation');
select is(pg_temp.counts_from('scenario-evaluation'), '2026-01-01', 'a pause leaves what was before it');
select scheduler.resume(job_name => 'scenario-evaluation');
select is(pg_temp.counts_from('scenario-evaluation'), now(), 'when a job is resumed, nothing before that counts');
select is(pg_temp.counts_from('housekeeping'), '2026-01-01', 'of other jobs it does');

select tests.ticked_until('2026-01-01');
select scheduler.resume(job_name => 'scenario-evaluation');
select is(pg_temp.counts_from('scenario-evaluation'), '2026-01-01', 'resuming what was not paused forgets nothing');

select scheduler.pause(organisation_id => :'organisation');
select scheduler.resume(organisation_id => :'organisation');
select is(pg_temp.counts_from('scenario-evaluation'), '2026-01-01', 'nor does resuming an organisation');

select scheduler.pause();
select scheduler.resume();
select is((select count(*) from scheduler.jobs where last_tick_for = now()), 5::bigint, 'when everything is resumed, nothing before that counts of any job');

-- The same by hand.
select tests.ticked_until('2026-01-01');
update scheduler.organisation_settings set paused = true where organisation_id is null;
select is(pg_temp.counts_from('scenario-evaluation'), '2026-01-01', 'a pause of everything by hand leaves what was before it');
update scheduler.organisation_settings set paused = false where organisation_id is null;
select is(pg_temp.counts_from('scenario-evaluation'), now(), 'when everything is resumed by hand, nothing before that counts either');

-- Seen from a tick.
select scheduler.pause(job_name => 'scenario-evaluation');
select is(tests.ticked('scenario-scheduler-housekeeping', now() + interval '1 day'), 'housekeeping completed ' || to_char(scheduler.previous_tick('30 3 * * *', now() + interval '1 day') at time zone 'UTC', 'MM-DD HH24:MI'), 'a paused job is not made up for while it is paused');
select scheduler.resume(job_name => 'scenario-evaluation');
select is(tests.ticked('scenario-scheduler-dispatch', now()), null, 'nor at once after');
select is((select count(*) from scheduler.invocations where job_name = 'scenario-evaluation'), 0::bigint, 'there is no run of it');

select * from finish();
rollback;
