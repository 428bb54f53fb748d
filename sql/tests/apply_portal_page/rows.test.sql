-- What a portal says becomes what is held here, in each round.

begin;
select plan(37);
select tests.mentor() as mentor \gset
select tests.mentor() as other \gset
create function pg_temp.holder(external_id text) returns uuid language sql as $$
  select user_id from public.certifications as certification where certification.external_id = holder.external_id;
$$;

-- New, as it was, changed.
select is(
  tests.told(tests.portal_row('C1', :'mentor'), tests.portal_row('C2', :'mentor', null)), '2 received, 2 applied, 0 unchanged, 0 revoked',
  'certifications that are new are taken over'
);
select is(tests.held('C1'), 'certification until 2027-05-01', 'with their day');
select is(tests.held('C2'), 'certification without limit', 'or without limit');
select is(pg_temp.holder('C1'), :'mentor', 'for their mentor');
delete from scheduler.certification_checks;
create temporary table before as select string_agg(held::text || ctid, ',' order by id) as contents from public.certifications as held;
select is(
  tests.told(tests.portal_row('C1', :'mentor'), tests.portal_row('C2', :'mentor', null)), '2 received, 0 applied, 2 unchanged, 0 revoked', 'a second round of the same changes nothing'
);
select is((select string_agg(held::text || ctid, ',' order by id) from public.certifications as held), (select contents from before), 'and writes no certification');
select is_empty('select * from scheduler.certification_checks', 'so that nobody is looked at');
select is(tests.told(tests.portal_row('C1', :'mentor', '2028-05-01', '2026-03-02T10:00:00Z')), '1 received, 1 applied, 0 unchanged, 0 revoked', 'what changed is taken over');
select is(tests.held('C1'), 'certification until 2028-05-01', 'with another day');
select is(array(select user_id from scheduler.certification_checks), array[:'mentor'::uuid], 'and has its mentor looked at');
select tests.told(tests.portal_row('C2', :'mentor', null, '2026-03-03T10:00:00Z', name => 'driving'));
select is(tests.held('C2'), 'driving without limit', 'or with another name');
select tests.told(tests.portal_row('C1', :'mentor', null, '2026-03-04T10:00:00Z'));
select is(tests.held('C1'), 'certification without limit', 'one that had a day may become unlimited');
select tests.told(tests.portal_row('C1', :'mentor', '2029-05-01', '2026-03-05T10:00:00Z'));
select is(tests.held('C1'), 'certification until 2029-05-01', 'and get one again');

-- Another member.
delete from scheduler.certification_checks;
select tests.told(tests.portal_row('C1', :'other', '2029-05-01', '2026-03-06T10:00:00Z'));
select is(pg_temp.holder('C1'), :'other', 'one may be moved to another member');
select set_eq('select user_id from scheduler.certification_checks', tests.sorted(:'mentor', :'other'), 'so that both are looked at');
select is((select user_id from scheduler.portal_certifications where external_id = 'C1'), :'other', 'and it is noted whose it is');
select is((select count(*) from public.certifications), 2::bigint, 'no row is doubled');

-- Removed.
select is(
  tests.told(tests.portal_row('C1', :'other', modified_on => '2026-03-07T10:00:00Z', removed => true)), '1 received, 1 applied, 0 unchanged, 0 revoked',
  'what is removed there'
);
select is(tests.held('C1'), 'certification until 2029-05-01 revoked', 'is revoked here, and not deleted');
select is(tests.told(tests.portal_row('C1', :'other', modified_on => '2026-03-07T10:00:00Z', removed => true)), '1 received, 0 applied, 1 unchanged, 0 revoked', 'once');
select tests.told(tests.portal_row('C1', :'other', '2030-05-01', '2026-03-08T10:00:00Z'));
select is(tests.held('C1'), 'certification until 2030-05-01', 'one that is renewed after that is revoked no more');
select tests.told(tests.portal_row('C1', null, null, '2026-03-09T10:00:00Z', removed => true, name => ''));
select is(tests.held('C1'), 'certification until 2030-05-01 revoked', 'of what is removed the portal may say no more than that');
select is((select user_id::text || removed from scheduler.portal_certifications where external_id = 'C1'), :'other' || 'true', 'whose it was stays known');
select is(
  tests.told(tests.portal_row('C9', :'mentor', removed => true)), '1 received, 0 applied, 1 unchanged, 0 revoked', 'what was never here is not made to be revoked'
);
select is(tests.held('C9'), null, 'it stays away');
select is(tests.told(tests.portal_row('C10', null, removed => true)), '1 received, 0 applied, 1 unchanged, 0 revoked', 'also if nobody knows whose it was');

-- The portal's clock.
select tests.told(tests.portal_row('C3', :'mentor', '2027-01-01', '2099-01-01T00:00:00Z'));
select is(tests.held('C3'), 'certification until 2027-01-01', 'what the portal dates in the future is taken over');
select tests.told(tests.portal_row('C3', :'mentor', '2027-02-01', '2026-03-10T00:00:00Z'));
select is(tests.held('C3'), 'certification until 2027-02-01', 'and does not stand for ever: what it says in a later round counts');
select is((select modified_on from scheduler.portal_certifications where external_id = 'C3'), '2026-03-10 00:00Z', 'with its own time');
select tests.told(tests.portal_row('C3', :'mentor', '2027-01-01', '2026-03-09T00:00:00Z'));
select is(tests.held('C3'), 'certification until 2027-01-01', 'also if it is dated before');

-- What is written here by hand.
select tests.certified(:'mentor', 'by hand', '2027-01-01');
select tests.week_passed();
select tests.told(tests.portal_row('C1', :'other'), tests.portal_row('C2', :'mentor'), tests.portal_row('C3', :'mentor'));
select is((select revoked_at from public.certifications where name = 'by hand'), null, 'a certification that no portal knows stays as it is');
update public.certifications set expires_on = '2020-01-01' where external_id = 'C2';
select tests.told(tests.portal_row('C2', :'mentor'));
select is(tests.held('C2'), 'certification until 2027-05-01', 'what somebody changed of the portal''s becomes what the portal says');
delete from public.certifications where external_id = 'C2';
select tests.told(tests.portal_row('C2', :'mentor'));
select is(tests.held('C2'), 'certification until 2027-05-01', 'as does what somebody deleted');

-- On the roster and off it.
delete from public.peer_mentors where id = :'other';
select is(tests.told(tests.portal_row('C1', :'other')), '1 received, 0 applied, 0 unchanged, 0 revoked, {"unknown_member": 1} rejected', 'who left the roster is not known any more');
insert into public.peer_mentors (id, organisation_id) values (:'other', 'aaaaaaaa-0000-4000-8000-000000000000');
select is(tests.told(tests.portal_row('C1', :'other')), '1 received, 1 applied, 0 unchanged, 0 revoked', 'and hers come back with her');

-- To the end: expiry follows.
select tests.requires();
update public.peer_mentors set status = 'active';
select tests.told(tests.portal_row('C1', :'other', '2026-03-10'), tests.portal_row('C2', :'mentor'), tests.portal_row('C3', :'mentor'));
select is(tests.night('2026-03-11'), 'active to paused: certification_expired', 'what the portal says to be run out pauses');
select tests.told(tests.portal_row('C1', :'other', null));
select is(tests.night('2026-03-12'), 'paused to active: certification_renewed', 'what it says to be renewed resumes');

select * from finish();
rollback;
