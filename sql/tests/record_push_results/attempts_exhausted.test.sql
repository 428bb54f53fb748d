begin;
select plan(9);

create function pg_temp.tried(notification bigint, outcome text) returns text language plpgsql as $$
begin
  perform tests.let_time_pass(notification);
  perform tests.claimed();
  return tests.recorded(tests.said(notification, outcome));
end;
$$;

select tests.waiting() as notification \gset
select is(
  array(select pg_temp.tried(:notification, 'retry') from generate_series(1, 7)),
  array_fill('pending'::text, array[7]),
  'seven attempts may fail in passing'
);
select is(pg_temp.tried(:notification, 'retry'), 'dead', 'after the eighth it is dead');
select is(tests.became(:notification), 'dead: attempts_exhausted', 'with the reason');
select is((select array_agg(attempt order by id) from scheduler.push_attempts), '{1,2,3,4,5,6,7,8}', 'every attempt has an entry');
select is(tests.claimed(), '{}'::bigint[], 'what is dead is not claimed');

select tests.waiting() as lucky \gset
update scheduler.notifications set attempts = 7 where id = :lucky;
select is(pg_temp.tried(:lucky, 'sent'), 'sent', 'the eighth attempt may succeed');

select tests.waiting() as in_doubt \gset
update scheduler.notifications set attempts = 7 where id = :in_doubt;
select is(pg_temp.tried(:in_doubt, 'unknown'), 'dead', 'an eighth attempt of which nobody knows is the last one');

select tests.waiting() as held \gset
update scheduler.notifications set attempts = 7 where id = :held;
select is(pg_temp.tried(:held, 'held'), 'pending', 'an eighth attempt that was held back was none');
select is(pg_temp.tried(:held, 'sent'), 'sent', 'and is made later');

select * from finish();
rollback;
