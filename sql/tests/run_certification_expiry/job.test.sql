-- As the nightly job: its row in the ledger, and what its failure leaves to the others.

begin;
select plan(20);
select is((select enabled from scheduler.jobs where job_name = 'certification-expiry'), true, 'the job is switched on');
update scheduler.jobs set enabled = false where job_name = 'hlf-sync';
select tests.requires();
select tests.mentor() as mentor \gset
select tests.certified_until(:'mentor', tests.today() - 1);

select scheduler.run_job(job_name => 'certification-expiry') as run \gset
select is(tests.run_became(:'run'), 'completed', 'the job is completed');
select unnest(array[
  ok(started_at <= finished_at, 'the ledger has when it began and ended'),
  is(error_type, null, 'and no error')
])
from scheduler.invocations where id = :'run';
select is((select status from public.peer_mentors where id = :'mentor'), 'paused', 'it pauses');
select is(tests.run_became(scheduler.run_job(job_name => 'certification-expiry')), 'completed', 'a night with nothing to do is completed too');

-- By its tick, with another job of the same night that fails.
select tests.ticked_until('2026-03-11 01:00Z');
create function public.failing() returns void language plpgsql as $$ begin raise exception 'broken'; end $$;
insert into scheduler.jobs (job_name, kind, target, schedule, cron_name) values ('a-failing-one', 'sql', 'public.failing', '0 2 * * *', 'nightly-scheduler');
update public.certifications set expires_on = '2099-01-01' where user_id = :'mentor';
select is(
  tests.ticked('nightly-scheduler', '2026-03-11 02:00Z'), E'a-failing-one failed 03-11 02:00\ncertification-expiry completed 03-11 02:00',
  'another job that fails does not keep it'
);
select is((select status from public.peer_mentors where id = :'mentor'), 'active', 'it resumes');

-- It fails itself.
delete from scheduler.invocations;
create function public.counting() returns bigint language sql as $$ select 1::bigint $$;
update scheduler.jobs set job_name = 'z-another', target = 'public.counting' where job_name = 'a-failing-one';
update public.certifications set expires_on = tests.today() - 1 where user_id = :'mentor';
create function pg_temp.fail() returns trigger language plpgsql as $$ begin raise exception 'Kari Nordmann'; end $$;
create trigger history_is_broken before insert on public.mentor_status_history for each row execute function pg_temp.fail();
select tests.ticked_until('2026-03-12 01:00Z');
select is(
  tests.ticked('nightly-scheduler', '2026-03-12 02:00Z'), E'certification-expiry failed 03-12 02:00\nz-another completed 03-12 02:00',
  'when it fails the others go on'
);
select unnest(array[
  is(error_type, 'database_error', 'the ledger has the type of its error'),
  is(error_message, 'the database answered P0001 in public.run_certification_expiry; its log says more', 'and no word of it'),
  isnt(finished_at, null, 'it is over')
])
from scheduler.invocations where job_name = 'certification-expiry';
select is((select status from public.peer_mentors where id = :'mentor'), 'active', 'nobody''s status is changed without a line in the history');
select is(array(select user_id from scheduler.certification_checks), array[:'mentor'::uuid], 'and who was to be looked at still is');
drop trigger history_is_broken on public.mentor_status_history;
select tests.ticked('nightly-scheduler', '2026-03-13 02:00Z');
select is((select status from public.peer_mentors where id = :'mentor'), 'paused', 'the next night makes up for it');

-- A push that waits for a mentor who is paused.
select tests.mentor() as due \gset
select tests.certified_until(:'due', tests.today() - 1);
select tests.waiting(:'due') as push \gset
select tests.waiting() as another \gset
select scheduler.run_job(job_name => 'certification-expiry');
select is((select active from scheduler.mentor_state where user_id = :'due'), false, 'who is paused is evaluated no more');
select is(tests.claimed(), array[:another::bigint], 'and her push that waits is not claimed');
select is(tests.became(:push), 'cancelled: mentor_not_active', 'but cancelled');
update public.certifications set expires_on = tests.today() + 100 where user_id = :'due';
select scheduler.run_job(job_name => 'certification-expiry');
select is((select active from scheduler.mentor_state where user_id = :'due'), true, 'who is resumed is evaluated again');
select is_empty('select * from scheduler.verify_mentor_state()', 'all is as the sources say');

select * from finish();
rollback;
