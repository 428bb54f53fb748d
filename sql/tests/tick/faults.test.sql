-- What is due now does not wait for what went wrong before.

begin;
select plan(4);
select tests.configured();
select tests.ticked_until('2026-03-10 05:00Z');
select tests.asked('dispatch-backlog') as run \gset
select tests.lost();
create function pg_temp.fail() returns trigger language plpgsql as $$ begin raise exception 'broken'; end $$;
create trigger requests_are_broken before update on scheduler.requests for each row execute function pg_temp.fail();

select throws_ok($$ select tests.reconciled() $$, 'P0001', 'broken', 'looking after requests fails');
select is(tests.ticked('scenario-scheduler-daily', '2026-03-10 06:00Z'), 'scenario-evaluation requested 03-10 06:00', 'a tick starts its job all the same');
select is(tests.run_became(:'run'), 'requested', 'what could not be looked after is as it was');
drop trigger requests_are_broken on scheduler.requests;
select is(tests.reconciled(), 'dispatch-backlog: the request was lost before it was made: asked again', 'and is found when it can be');

select * from finish();
rollback;
