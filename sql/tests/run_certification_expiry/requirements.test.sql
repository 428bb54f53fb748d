-- What an organisation requires may change, and a mentor her organisation.

begin;
select plan(19);

select tests.mentor() as mentor \gset
select tests.certified(:'mentor', 'driving', '2026-01-01'), tests.certified(:'mentor', 'first aid', '2026-02-01');
select is(tests.status_after(:'mentor', '2026-03-10'), 'active', 'nothing is required');
select tests.requires('driving');
select is(tests.status_after(:'mentor', '2026-03-11'), 'paused', 'a requirement that is added pauses whose certification ran out long ago');
update scheduler.required_certifications set name = 'conversation';
select is(tests.status_after(:'mentor', '2026-03-12'), 'active', 'one that becomes another resumes');
update scheduler.required_certifications set name = 'first aid';
select is(tests.status_after(:'mentor', '2026-03-13'), 'paused', 'or pauses');
delete from scheduler.required_certifications;
select is(tests.status_after(:'mentor', '2026-03-14'), 'active', 'one that is taken away resumes, though nobody else is active there');
select is((select count(*) from public.mentor_status_history where user_id = :'mentor'), 4::bigint, 'the history has a line for each');
select throws_ok($$ select tests.requires(' ') $$, '23514', null, 'a requirement has a name');

-- It concerns the mentors of the organisation only.
select tests.organisation() as other \gset
select tests.mentor(organisation_id => :'other') as stranger \gset
select tests.certified(:'stranger', 'driving', '2026-01-01');
select tests.night('2026-03-15');
select tests.requires('driving');
select is(array(select user_id from scheduler.certification_checks), array[:'mentor'::uuid], 'a requirement has the organisation''s own mentors looked at');
select is(tests.status_after(:'stranger', '2026-03-16'), 'active', 'and pauses nobody elsewhere');
select is(tests.status_after(:'mentor', '2026-03-16'), 'paused', 'but here');
update scheduler.required_certifications set organisation_id = :'other';
select is(tests.night('2026-03-17'), 'active to paused: certification_expired, paused to active: certification_renewed', 'one that goes to another organisation concerns both');

-- Moving.
select tests.organisation() as easy \gset
update public.peer_mentors set organisation_id = :'easy' where id = :'stranger';
select is(tests.status_after(:'stranger', '2026-03-18'), 'active', 'who moves where nothing is required is resumed');
update public.peer_mentors set organisation_id = :'other' where id = :'stranger';
select is(tests.status_after(:'stranger', '2026-03-19'), 'paused', 'who moves where it is, is paused');
select is(tests.history(:'stranger') ~ 'postgres', false, 'a move is no change of status');
update public.peer_mentors set organisation_id = :'easy', status = 'inactive' where id = :'stranger';
select is(tests.status_after(:'stranger', '2026-03-20'), 'inactive', 'who moves and leaves is not resumed');

-- A new organisation, of which nobody is active.
delete from scheduler.required_certifications;
select tests.requires('driving', :'other');
select tests.mentor(organisation_id => :'other') as mover \gset
select tests.certified(:'mover', 'driving', '2026-01-01');
select is(tests.status_after(:'mover', '2026-03-21'), 'paused', 'who is paused');
insert into public.organisations (id, name) values ('bbbbbbbb-0000-4000-8000-000000000000', 'Organisation');
update public.peer_mentors set organisation_id = 'bbbbbbbb-0000-4000-8000-000000000000' where id = :'mover';
select is(tests.status_after(:'mover', '2026-03-22'), 'active', 'and is the first in a new organisation is resumed there');

-- An organisation that is gone.
delete from public.organisations where id = :'other';
select lives_ok($$ select tests.night('2026-03-23') $$, 'a requirement of an organisation that is gone does not stop the night');
select is(tests.night('2026-03-24'), null, 'nor changes anything');

select * from finish();
rollback;
