begin;
select plan(17);
select tests.mentor(id => 'dddddddd-0000-4000-8000-000000000001') as mentor \gset
create function pg_temp.accepted(variadic items jsonb[]) returns jsonb language sql as $$ select accepted from scheduler.judge_portal_page(to_jsonb(items)) $$;
create function pg_temp.rejected(variadic items jsonb[]) returns jsonb language sql as $$ select rejected from scheduler.judge_portal_page(to_jsonb(items)) $$;

select is(
  pg_temp.accepted(tests.portal_row(' C1 ', :'mentor', name => ' driving ')),
  '[{
    "external_id": "C1", "user_id": "dddddddd-0000-4000-8000-000000000001", "name": "driving", "expires_on": "2027-05-01",
    "modified_on": "2026-03-01T10:00:00+00:00", "removed": false
  }]', 'it is read, without blanks around'
);
select is(pg_temp.accepted(tests.portal_row(repeat('C', 300), :'mentor', name => repeat('n', 300))) -> 0 ->> 'external_id', repeat('C', 200), 'an id of any length is cut');
select is(pg_temp.accepted(tests.portal_row('C1', :'mentor', name => repeat('n', 300))) -> 0 ->> 'name', repeat('n', 200), 'as is a name');
select is(pg_temp.accepted(tests.portal_row('C1', :'mentor', expires_on => null)) -> 0 -> 'expires_on', 'null', 'without a day it is without limit');

-- The day is the organisation's.
select tests.organisation('Pacific/Kiritimati') as ahead \gset
select tests.mentor(organisation_id => :'ahead') as early \gset
create function pg_temp.day_of(mentor uuid, said text) returns text language sql as $$
  select pg_temp.accepted(tests.portal_row('C1', mentor, expires_on => said)) -> 0 ->> 'expires_on';
$$;
select is(pg_temp.day_of(:'mentor', '2027-04-30T22:00:00Z'), '2027-05-01', 'midnight in Oslo is that day');
select is(pg_temp.day_of(:'early', '2027-04-30T10:00:00Z'), '2027-05-01', 'for a mentor of another organisation it is the day there');
update public.organisations set timezone = 'Norway/Atlantis';
select is(pg_temp.day_of(:'mentor', '2027-04-30T22:00:00Z'), '2027-05-01', 'where the zone is none, Oslo stands in');
update public.organisations set timezone = null;
select is(pg_temp.day_of(:'mentor', '2027-04-30T22:00:00Z'), '2027-05-01', 'as without one');
update public.peer_mentors set timezone = 'Pacific/Kiritimati';
select is(pg_temp.day_of(:'mentor', '2027-04-30T10:00:00Z'), '2027-04-30', 'the zone in which a mentor lives is not asked');

-- Twice on a page.
select is(
  pg_temp.accepted(
    tests.portal_row('C1', :'mentor', '2027-01-01', modified_on => '2026-03-01T10:00:00Z'),
    tests.portal_row('C1', :'mentor', '2027-02-01', modified_on => '2026-03-03T10:00:00Z'),
    tests.portal_row('C1', :'mentor', '2027-03-01', modified_on => '2026-03-02T10:00:00Z')
  ) #>> '{0,expires_on}', '2027-02-01', 'of one that is named several times the latest word counts'
);
select is(pg_temp.accepted(tests.portal_row('C1', :'mentor', '2027-01-01'), tests.portal_row('C1', :'mentor', '2027-02-01')) #>> '{0,expires_on}', '2027-02-01', 'of words of one time the last');
select is(
  pg_temp.rejected(tests.portal_row('C1', :'mentor'), tests.portal_row('C1', :'mentor'), tests.portal_row('C1', :'mentor')),
  '[{"external_id": "C1", "reason": "duplicate"}, {"external_id": "C1", "reason": "duplicate"}]', 'the others are duplicates'
);
select is(
  pg_temp.accepted(tests.portal_row('C1', :'mentor', '2027-01-01'), tests.portal_row('C1', :'mentor', 'never', modified_on => '2026-03-03T10:00:00Z')) #>> '{0,expires_on}', '2027-01-01',
  'a word that can''t be read takes no other''s place'
);
select is(
  pg_temp.rejected(tests.portal_row('C1', :'mentor', 'never'), tests.portal_row('C1', :'mentor', 'never')),
  '[{"external_id": "C1", "reason": "malformed_date"}, {"external_id": "C1", "reason": "malformed_date"}]', 'and keeps its own reason'
);
select is(
  jsonb_array_length(pg_temp.accepted(tests.portal_row('C1', :'mentor'), tests.portal_row('c1', :'mentor'))), 2, 'ids that differ in case are two'
);

-- Together.
select is(
  pg_temp.rejected(tests.portal_row('C1', :'mentor'), 'null', tests.portal_row('C2', null), tests.portal_row('C3', :'mentor', name => '')),
  '[{"external_id": "", "reason": "no_object"}, {"external_id": "C2", "reason": "no_member"}, {"external_id": "C3", "reason": "no_name"}]', 'each is judged by itself'
);
select is((select (accepted, rejected)::text from scheduler.judge_portal_page('[]')), '([],[])', 'an empty page has none of either');

select * from finish();
rollback;
