-- What can't be taken over is kept with the reason, and stops nothing else.

begin;
select plan(31);
select tests.mentor() as mentor \gset
select gen_random_uuid() as run \gset
insert into scheduler.invocations (id, job_name, status) values (:'run', 'hlf-sync', 'running');
create function pg_temp.kept(external_id text) returns scheduler.certification_rejects language sql as $$
  select * from scheduler.certification_rejects as reject where reject.external_id = kept.external_id;
$$;

-- Side by side.
select is(
  tests.told(
    tests.portal_row('R1', gen_random_uuid()), tests.portal_row('C1', :'mentor'), tests.portal_row('R2', null), 'null',
    tests.portal_row('R3', :'mentor', 'never'), tests.portal_row('R4', :'mentor', name => ''), tests.portal_row('R5', :'mentor', modified_on => '?'),
    tests.portal_row('R6', :'mentor') || '{"removed": 1}', tests.portal_row('', :'mentor'), tests.portal_row('C2', :'mentor')
  ),
  '10 received, 2 applied, 0 unchanged, 0 revoked, {"no_name": 1, "no_member": 1, "no_object": 1, "malformed_date": 1, "no_external_id": 1, "unknown_member": 1, "malformed_removed": 1, "malformed_modified_on": 1} rejected',
  'what is right is taken over, and the rest is counted by reason'
);
select is(
  tests.rejects(),
  ' no_external_id 1,  no_object 1, R1 unknown_member 1, R2 no_member 1, R3 malformed_date 1, R4 no_name 1, R5 malformed_modified_on 1, R6 malformed_removed 1',
  'and kept, by the portal''s id where there is one'
);
select is(tests.held('C1') || ', ' || tests.held('C2'), 'certification until 2027-05-01, certification until 2027-05-01', 'those that were right are here');
select is((select count(*) from public.certifications), 2::bigint, 'and no others');
select is((select count(*) from scheduler.portal_certifications), 2::bigint, 'nor are they known');

-- Again.
update scheduler.certification_rejects set first_seen_at = '2026-01-01', last_seen_at = '2026-01-01';
select tests.page(jsonb_build_array(tests.portal_row('R3', :'mentor', 'never')), invocation_id => :'run');
select is((pg_temp.kept('R3')).times, 2, 'one that comes again is counted');
select is((pg_temp.kept('R3')).first_seen_at, '2026-01-01', 'with when it came first');
select is((pg_temp.kept('R3')).last_seen_at, now(), 'and last');
select is((pg_temp.kept('R3')).invocation_id, :'run', 'and in which run');
select is((pg_temp.kept('R4')).times, 1, 'what is not named stays as it was');
select tests.told(tests.portal_row('R3', :'mentor', name => ''));
select is((select string_agg(reason, ', ' order by reason) from scheduler.certification_rejects where external_id = 'R3'), 'malformed_date, no_name', 'another reason is another row');

-- Mended.
select tests.told(tests.portal_row('R3', :'mentor'));
select is((pg_temp.kept('R3')).reason, null, 'what is right later is kept no more, for no reason');
select is(tests.held('R3'), 'certification until 2027-05-01', 'but taken over');
select isnt((pg_temp.kept('R4')).reason, null, 'what is not right still is');
select tests.told(tests.portal_row('R4', null, removed => true));
select is((pg_temp.kept('R4')).reason, null, 'nor is one that is removed there');
insert into scheduler.certification_rejects (source, external_id, reason) values ('another', 'C1', 'no_name');
select tests.told(tests.portal_row('C1', :'mentor'));
select is((pg_temp.kept('C1')).source, 'another', 'another portal''s stay');
delete from scheduler.certification_rejects;

-- One that was here and is not right any more.
select tests.told(tests.portal_row('C1', :'mentor', 'never'));
select is(tests.held('C1'), 'certification until 2027-05-01', 'what was right stays as it was');
select is(tests.rejects(), 'C1 malformed_date 1', 'and the new word is kept as what it is');

-- Twice on a page.
delete from scheduler.certification_rejects;
select is(
  tests.told(tests.portal_row('D1', :'mentor', '2027-01-01', '2026-03-02T10:00:00Z'), tests.portal_row('D1', :'mentor', '2027-02-01', '2026-03-01T10:00:00Z')),
  '2 received, 1 applied, 0 unchanged, 0 revoked, {"duplicate": 1} rejected', 'of one that is named twice on a page one is a duplicate'
);
select is(tests.held('D1'), 'certification until 2027-01-01', 'and the later one counts');
select is(tests.rejects(), 'D1 duplicate 1', 'which is kept');
select tests.told(tests.portal_row('D1', :'mentor'));
select is(tests.rejects(), null, 'until it comes once');

-- Twice in a round.
select tests.page(jsonb_build_array(tests.portal_row('D2', :'mentor', '2027-01-01', '2026-03-02T10:00:00Z')), next_cursor => 'two');
select is((select (received, applied, rejected)::text from tests.page(jsonb_build_array(tests.portal_row('D2', :'mentor', '2027-02-01', '2026-03-01T10:00:00Z')), next_cursor => 'three')), '(1,0,"{""duplicate"": 1}")', 'one that was on an earlier page is a duplicate');
select is(tests.held('D2'), 'certification until 2027-01-01', 'an earlier word changes nothing');
select is((select (received, applied, rejected)::text from tests.page(jsonb_build_array(tests.portal_row('D2', :'mentor', '2027-03-01', '2026-03-03T10:00:00Z')))), '(1,1,"{""duplicate"": 1}")', 'a later word is a duplicate too');
select is(tests.held('D2'), 'certification until 2027-03-01', 'and counts');
select is(tests.rejects(), 'D2 duplicate 2', 'it is kept how often');
select tests.told(tests.portal_row('D2', :'mentor', '2027-03-01'));
select is(tests.rejects(), null, 'until a round in which it comes once');

-- First it can't be read, then it can.
select tests.told(tests.portal_row('D3', :'mentor', '2027-01-01', '2026-03-05T10:00:00Z'));
select tests.page(jsonb_build_array(tests.portal_row('D3', :'mentor', 'never')), next_cursor => 'two');
select tests.page(jsonb_build_array(tests.portal_row('D3', :'mentor', '2027-09-01', '2026-03-04T10:00:00Z')));
select is(tests.held('D3'), 'certification until 2027-09-01', 'a word that could not be read takes no later one''s place in the round');

-- None is lost.
select is((select count(*) from scheduler.portal_syncs where round_started_at is null), 1::bigint, 'whatever is refused, the round ends');
select is((select min(revoked_at) from public.certifications), null, 'and nothing is revoked for it');

select * from finish();
rollback;
