begin;
select plan(16);

select tests.requires('first aid');
select tests.requires('conversation');
select tests.mentor() as mentor \gset
select tests.certified(:'mentor', 'first aid', '2026-06-01') as first_aid \gset
select tests.certified(:'mentor', 'conversation', '2026-08-01') as conversation \gset
select is(tests.status_after(:'mentor', '2026-06-01'), 'active', 'who has all that is required stays active');
select is(tests.status_after(:'mentor', '2026-06-02'), 'paused', 'one that is lacking is enough');
select is(tests.status_after(:'mentor', '2026-08-02'), 'paused', 'a second one changes nothing');
update public.certifications set expires_on = '2027-06-01' where id = :'first_aid';
select is(tests.status_after(:'mentor', '2026-08-03'), 'paused', 'one of two renewed is not enough');
update public.certifications set expires_on = '2027-08-01' where id = :'conversation';
select is(tests.status_after(:'mentor', '2026-08-04'), 'active', 'both are');
select is((select count(*) from public.mentor_status_history), 2::bigint, 'the history has a line for the pause and one for the end of it');

-- Several of one name.
select tests.mentor() as twice \gset
select tests.certified(:'twice', 'first aid', '2026-09-01'), tests.certified(:'twice', 'first aid', '2027-06-01');
select is(tests.status_after(:'twice', '2026-09-02'), 'active', 'of several of one name one that is valid is enough');
update public.certifications set revoked_at = now() where user_id = :'twice' and expires_on = '2027-06-01';
select is(tests.status_after(:'twice', '2026-09-03'), 'paused', 'until that is revoked');
select tests.certified(:'twice', 'first aid');
select is(tests.status_after(:'twice', '2026-09-04'), 'active', 'a new one is as good as a renewed one');

-- Names.
select tests.mentor() as shouting \gset
select tests.certified(:'shouting', 'FIRST Aid', '2026-09-10');
select is(tests.status_after(:'shouting', '2026-09-11'), 'paused', 'case makes no difference between what is required and what is held');
select tests.certified(:'shouting', 'first AID', '2027-06-01');
select is(tests.status_after(:'shouting', '2026-09-12'), 'active', 'nor between what ran out and what came in its place');
select tests.mentor() as longer \gset
select tests.certified(:'longer', 'first aid for children', '2026-09-10');
select is(tests.status_after(:'longer', '2026-09-13'), 'active', 'but a part of a name is another name');

-- Two organisations.
select tests.organisation() as other \gset
select tests.requires('driving', :'other');
select tests.mentor(organisation_id => :'other') as stranger \gset
select tests.certified(:'stranger', 'first aid', '2026-09-20'), tests.certified(:'stranger', 'driving', '2026-10-20');
select is(tests.status_after(:'stranger', '2026-10-20'), 'active', 'what another organisation requires does not count');
select is(tests.status_after(:'stranger', '2026-10-21'), 'paused', 'what the own requires does');

-- Deleted.
delete from public.certifications where user_id = :'stranger' and name = 'driving';
select is(tests.status_after(:'stranger', '2026-10-22'), 'paused', 'one that is deleted after it ran out is not renewed');
select tests.certified(:'stranger', 'driving', '2027-10-20');
select is(tests.status_after(:'stranger', '2026-10-23'), 'active', 'a new one is what counts');

select * from finish();
rollback;
