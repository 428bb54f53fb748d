-- pg_net may refuse a request with any error of its own or of what it calls.

begin;
select plan(15);
select tests.configured();
select tests.waiting();

create function pg_temp.refused(errcode text, message text) returns setof text language plpgsql as $$
begin
  delete from scheduler.invocations;
  perform tests.ticked_until('2026-03-10 05:00Z');
  perform tests.takes_no_request(errcode);
  return next is(
    tests.ticked('scenario-scheduler-daily', '2026-03-10 06:00Z'), 'scenario-evaluation failed not_configured 03-10 06:00',
    format('a tick lives when pg_net raises %s, and leaves a failed row', errcode)
  );
  return next is(error_message, message, 'with what was wrong') from scheduler.invocations;
  return next is(error_type, 'network_error', 'and its type') from scheduler.invocations;
end;
$$;
select pg_temp.refused('XX000', 'pg_net does not take the request (XX000); the log of the database says more');
select pg_temp.refused('22023', 'pg_net does not take the request (22023); the log of the database says more');
select pg_temp.refused('P0001', 'pg_net does not take the request (P0001); the log of the database says more');
select pg_temp.refused('42501', 'pg_net can''t be called: is it enabled, and may this role use it?');

-- The minute's tick goes on, and does not fill the ledger.
select is((select count(*) from scheduler.invocations where error_message like '%supabase.co%'), 0::bigint, 'pg_net''s words are not repeated');
delete from scheduler.notifications;
select tests.ticked_until(now());
update scheduler.jobs set catch_up = null where kind = 'sql';
select tests.time_passed(id, '1 minute') from scheduler.invocations;
select lives_ok(
  $$ select tests.ticked('scenario-scheduler-dispatch', now() + minute * interval '1 minute') from generate_series(1, 10) as minute $$,
  'the minute''s tick lives'
);
select cmp_ok((select count(*) from scheduler.invocations), '<=', 4::bigint, 'and has it tried again three times at most, not every minute');

select * from finish();
rollback;
