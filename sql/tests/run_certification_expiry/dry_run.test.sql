begin;
select plan(14);
select tests.requires();
select tests.organisation() as easy \gset

select tests.mentor() as run_out \gset
select tests.mentor() as renewed \gset
select tests.mentor() as later \gset
select tests.mentor() as by_hand \gset
select tests.mentor() as fine \gset
select tests.mentor() as moving \gset
select tests.certified_until(:'renewed', '2026-03-01'), tests.certified_until(:'moving', '2026-03-01');
select tests.night('2026-03-02');
select tests.certified_until(:'run_out', '2026-03-10'), tests.certified_until(:'later', '2026-03-20'), tests.certified_until(:'by_hand', '2026-03-10');
select tests.certified_until(:'renewed', '2027-03-01'), tests.certified_until(:'fine', '2027-03-01');
select tests.given('paused', :'by_hand');
update public.peer_mentors set organisation_id = :'easy' where id = :'moving';

create function pg_temp.foreseen(as_of timestamptz) returns setof scheduler.status_change language sql as $$
  select * from public.run_certification_expiry(as_of => foreseen.as_of, dry_run => true);
$$;
create temporary table before as
select * from tests.engine_contents()
union all select 'mentors', string_agg(mentor::text || ctid, ',' order by id) from public.peer_mentors as mentor
union all select 'history', string_agg(line::text || ctid, ',' order by id) from public.mentor_status_history as line;

select is((select count(*) from pg_temp.foreseen('2026-03-02 02:00Z')), 2::bigint, 'a dry run sees who is to be resumed');
select is((select count(*) from pg_temp.foreseen('2026-03-11 02:00Z')), 3::bigint, 'who is to be paused on a day to come');
select is((select count(*) from pg_temp.foreseen('2026-03-21 02:00Z')), 4::bigint, 'and on a later one');
select is((select count(*) from pg_temp.foreseen('2030-01-01 02:00Z')), 4::bigint, 'and in years, when hers who is renewed has run out too');
select lives_ok($$ select pg_temp.foreseen('1970-01-01'), pg_temp.foreseen('9999-12-31') $$, 'for any moment');
select results_eq(
  $$
    select * from tests.engine_contents()
    union all select 'mentors', string_agg(mentor::text || ctid, ',' order by id) from public.peer_mentors as mentor
    union all select 'history', string_agg(line::text || ctid, ',' order by id) from public.mentor_status_history as line
  $$,
  'select * from before', 'it writes nothing'
);

-- As the run.
create temporary table foreseen as select * from pg_temp.foreseen('2026-03-21 02:00Z');
select max(id) as last from public.mentor_status_history \gset
select set_eq(
  $$ select * from public.run_certification_expiry(as_of => '2026-03-21 02:00Z') $$, 'select * from foreseen', 'it is what a run does'
);
select is_empty($$ select * from pg_temp.foreseen('2026-03-21 02:00Z') $$, 'after which it is empty');
select is_empty($$ select * from pg_temp.foreseen('2026-03-01 02:00Z') $$, 'also for a day that is past, on which a run would do nothing');
select set_eq(
  'select user_id, from_status, to_status, reason from public.mentor_status_history where id > ' || :last,
  'select user_id, from_status, to_status, reason from foreseen', 'the history has what was foreseen'
);

-- Without what is noted: everybody is looked at.
select tests.certified_until(:'fine', '2026-03-25');
update public.certifications set expires_on = '2026-03-25' where user_id = :'fine';
delete from scheduler.certification_checks;
select is((select array_agg(user_id) from pg_temp.foreseen('2026-03-26 02:00Z')), array[:'fine'::uuid], 'it looks at everybody, noted or not');
select is(tests.status_after(:'fine', '2026-03-26'), 'paused', 'and a run finds what ran out since the last by its day alone');

-- Read-only.
set local transaction_read_only = on;
select lives_ok($$ select pg_temp.foreseen('2026-04-01') $$, 'it runs where nothing may be written');
select throws_ok($$ select public.run_certification_expiry(as_of => '2026-04-01') $$, '25006', null, 'where a run does not');

select * from finish();
rollback;
