-- Whose certifications the next night looks at.

begin;
select plan(13);
select tests.mentor() as first \gset
select tests.mentor() as second \gset
select tests.mentor() as third \gset
create function pg_temp.noted_by(statement text) returns uuid[] language plpgsql as $$
begin
  delete from scheduler.certification_checks;
  execute statement;
  return (select coalesce(array_agg(user_id order by user_id), '{}') from scheduler.certification_checks);
end;
$$;

select is(
  pg_temp.noted_by(format($$ insert into public.certifications (user_id, name) values (%L, 'driving'), (%1$L, 'first aid'), (%2$L, 'driving') $$, :'first', :'second')),
  tests.sorted(:'first', :'second'), 'one that is new has its mentor looked at, of a statement all, each once'
);
select is(pg_temp.noted_by($$ update public.certifications set expires_on = '2027-05-01' where name = 'first aid' $$), array[:'first'::uuid], 'so has one that changes');
select is(pg_temp.noted_by($$ update public.certifications set revoked_at = now() where name = 'first aid' $$), array[:'first'::uuid], 'is revoked');
select is(pg_temp.noted_by($$ update public.certifications set name = 'conversation' where name = 'first aid' $$), array[:'first'::uuid], 'or gets another name');
select is(
  pg_temp.noted_by(format($$ update public.certifications set user_id = %L where name = 'conversation' $$, :'third')),
  tests.sorted(:'first', :'third'), 'one that goes to another mentor has both looked at'
);
select is(pg_temp.noted_by($$ delete from public.certifications where name = 'conversation' $$), array[:'third'::uuid], 'as has one that is deleted hers');
select is(pg_temp.noted_by($$ update public.certifications set name = 'x' where false $$), '{}', 'what changes nothing has nobody looked at');
select is(pg_temp.noted_by($$ delete from public.certifications where false $$), '{}', 'nor what deletes nothing');
select is(
  pg_temp.noted_by($$ insert into public.certifications as held (id, user_id) select id, user_id from public.certifications on conflict (id) do update set expires_on = '2027-06-01' where held.user_id = (select min(user_id::text)::uuid from public.certifications) $$),
  (select array_agg(user_id) from (select user_id from public.certifications order by user_id limit 1) as first_one), 'of those that are written again, those that are'
);

-- Who waits already.
select pg_temp.noted_by($$ update public.certifications set expires_on = '2027-07-01' $$);
update scheduler.certification_checks set noted_at = '2026-01-01';
update public.certifications set expires_on = '2027-08-01';
select is((select count(*) from scheduler.certification_checks), 2::bigint, 'who waits already waits once');
select ok((select bool_and(noted_at >= now()) from scheduler.certification_checks), 'but as of now');

-- A mentor who leaves the roster.
delete from public.peer_mentors where id = :'first';
select lives_ok($$ select tests.night('2026-03-10') $$, 'one whose mentor is gone does not stop the night');

-- All at once.
select is(
  pg_temp.noted_by($$ truncate public.certifications $$), (select array_agg(id order by id) from public.peer_mentors),
  'a truncate has everybody looked at'
);

select * from finish();
rollback;
