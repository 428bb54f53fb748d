begin;
select plan(24);

insert into public.organisations (id, name)
values ('aaaaaaaa-0000-4000-8000-000000000000', 'First'), ('bbbbbbbb-0000-4000-8000-000000000000', 'Second');
create function pg_temp.state_of(mentor uuid) returns text
language sql
as $$
  select format('%s %s since %s', left(organisation_id::text, 1), case when active then 'active' else 'resting' end, silent_since)
  from scheduler.mentor_state where user_id = mentor;
$$;
-- Active mentors of the first and of the second organisation, as the engine keeps them.
create function pg_temp.active() returns text
language sql
as $$
  select format('%s and %s',
    coalesce(sum(active_mentors) filter (where organisation_id::text like 'a%'), 0),
    coalesce(sum(active_mentors) filter (where organisation_id::text like 'b%'), 0))
  from scheduler.organisation_state;
$$;
create function pg_temp.differences() returns bigint
language sql
as $$ select count(*) from scheduler.verify_mentor_state() $$;

select tests.mentor(joined_on => '2026-01-01') as mentor \gset
select tests.mentor(joined_on => '2026-01-02') as other \gset
select is(pg_temp.state_of(:'mentor'), 'a active since 2026-01-01', 'a new mentor is known');
select is(pg_temp.active(), '2 and 0', 'and counted among the active of the organisation');

update public.peer_mentors set status = 'paused' where id = :'mentor';
select is(pg_temp.state_of(:'mentor'), 'a resting since 2026-01-01', 'a mentor who pauses is not active');
select is(pg_temp.active(), '1 and 0', 'and not counted');
update public.peer_mentors set status = 'inactive' where id = :'mentor';
select is(pg_temp.active(), '1 and 0', 'from one state of rest to another nothing is counted twice');
update public.peer_mentors set status = 'active';
select is(pg_temp.active(), '2 and 0', 'a mentor who comes back is');

update public.peer_mentors set organisation_id = 'bbbbbbbb-0000-4000-8000-000000000000' where id = :'mentor';
select is(pg_temp.state_of(:'mentor'), 'b active since 2026-01-01', 'a mentor who changes organisation is of the new one');
select is(pg_temp.active(), '1 and 1', 'and counted there');
update public.peer_mentors set organisation_id = case organisation_id
  when 'aaaaaaaa-0000-4000-8000-000000000000' then 'bbbbbbbb-0000-4000-8000-000000000000'::uuid else 'aaaaaaaa-0000-4000-8000-000000000000'
end;
select is(pg_temp.active(), '1 and 1', 'two who change places leave the counts');
update public.peer_mentors set organisation_id = 'bbbbbbbb-0000-4000-8000-000000000000', status = 'paused' where id = :'mentor';
select is(pg_temp.active(), '0 and 1', 'a mentor who moves and pauses is counted nowhere');
update public.peer_mentors set organisation_id = 'aaaaaaaa-0000-4000-8000-000000000000', status = 'active';
select is(pg_temp.active(), '2 and 0', 'and is again after moving back');

update public.peer_mentors set joined_on = '2026-02-01', timezone = ' Europe/Paris ', locale = '' where id = :'mentor';
select is(pg_temp.state_of(:'mentor'), 'a active since 2026-02-01', 'the joining date is followed');
select results_eq(
  format('select timezone, locale from scheduler.mentor_state where user_id = %L', :'mentor'),
  $$ values ('Europe/Paris', null::text) $$, 'zone and language too, a blank one as none'
);
select ctid as place from scheduler.mentor_state where user_id = :'mentor' \gset
update public.peer_mentors set chapter_id = null, joined_on = joined_on;
select is(
  (select ctid from scheduler.mentor_state where user_id = :'mentor'), :'place'::tid,
  'an update of what is not tracked does not write the state'
);
select is(pg_temp.differences(), 0::bigint, 'and all is as the sources say');

update public.peer_mentors set id = '11111111-0000-4000-8000-000000000000' where id = :'other';
select is(
  array[pg_temp.state_of(:'other'), pg_temp.state_of('11111111-0000-4000-8000-000000000000')],
  array[null, 'a active since 2026-01-02'], 'a mentor with another id is another mentor'
);
select is(pg_temp.active(), '2 and 0', 'counted once');

select tests.mentor(joined_on => '2026-01-03') as newcomer \gset
delete from public.peer_mentors where id = :'newcomer';
select is(pg_temp.state_of(:'newcomer'), null, 'a mentor who is deleted before doing anything is forgotten');
select tests.active_on(:'mentor', '2026-03-01');
delete from public.peer_mentors where id = :'mentor';
select is(pg_temp.state_of(:'mentor'), null, 'a mentor who is deleted, with the activities, is forgotten');
select is(pg_temp.active(), '1 and 0', 'and not counted');
select is(pg_temp.differences(), 0::bigint, 'and all is as the sources say');

insert into public.peer_mentors (id, organisation_id, joined_on)
values (:'mentor', 'bbbbbbbb-0000-4000-8000-000000000000', '2026-03-01'),
  ('11111111-0000-4000-8000-000000000000', 'aaaaaaaa-0000-4000-8000-000000000000', '2026-03-02')
on conflict (id) do update set joined_on = excluded.joined_on;
select is(
  array[pg_temp.active(), pg_temp.state_of('11111111-0000-4000-8000-000000000000')],
  array['1 and 1', 'a active since 2026-03-02'], 'an upsert is followed'
);

select tests.active_on(:'mentor', '2026-03-01');
truncate public.organisations cascade;
select is_empty('select * from scheduler.mentor_state', 'after a truncation that cascades nobody is left');
select is(pg_temp.active(), '0 and 0', 'and nobody counted');

select * from finish();
rollback;
