begin;
select plan(9);

select tests.mentor() as active \gset
select tests.mentor(joined_on => '2024-01-01') as silent \gset
select tests.mentor() as gone \gset
select tests.active_on(:'active', '2026-01-01', '2026-02-01');

create function pg_temp.counted() returns text language sql as $$
  select case when shown = scheduler.count_state_drift() then shown::text else shown || ' shown, not ' || scheduler.count_state_drift() end
  from (select count(*) as shown from scheduler.verify_mentor_state()) as verified;
$$;
select is(pg_temp.counted(), '0', 'where nothing differs both say so');

alter table public.peer_mentors disable trigger user;
alter table public.activities disable trigger user;
select tests.active_on(:'active', '2026-03-01');
select is(pg_temp.counted(), '1', 'an activity that was not folded');
update public.peer_mentors set joined_on = '2024-02-02', timezone = 'Europe/Paris' where id = :'silent';
select is(pg_temp.counted(), '2', 'a mentor whose roster row changed in two ways counts once');
delete from public.peer_mentors where id = :'gone';
select is(pg_temp.counted(), '3', 'one whom the roster lost');
insert into public.peer_mentors (id, organisation_id, joined_on)
select gen_random_uuid(), organisation_id, '2025-01-01' from public.peer_mentors where id = :'active';
select is(pg_temp.counted(), '4', 'one who is missing');
update scheduler.organisation_state set active_mentors = active_mentors + 1;
select is(pg_temp.counted(), '5', 'a count of active mentors that is wrong');
insert into scheduler.mentor_state (user_id) values (gen_random_uuid());
select is(pg_temp.counted(), '6', 'a row of nobody');
update scheduler.mentor_state set next_milestone = 7 where user_id = :'silent';
select is(pg_temp.counted(), '6', 'another fact about one who differs already');

select scheduler.rebuild_mentor_state();
select is(pg_temp.counted(), '0', 'after a rebuild nothing differs');

select * from finish();
rollback;
