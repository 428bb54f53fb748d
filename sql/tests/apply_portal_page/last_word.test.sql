-- Of one certification the portal's last word stands, and one that can't be read is none.

begin;
select plan(4);
select tests.mentor() as mentor \gset
select started_at as round from public.begin_portal_sync(source => 'hlf') \gset

-- Two pages of one round, in the wrong order.
select tests.page(jsonb_build_array(tests.portal_row('C1', :'mentor', '2028-05-01', '2026-03-02T10:00:00Z')), next_cursor => 'page two');
select tests.page(jsonb_build_array(tests.portal_row('C1', :'mentor', '2027-05-01', '2026-03-01T10:00:00Z')), next_cursor => 'page three');
select is(tests.held('C1'), 'certification until 2028-05-01', 'an earlier word on a later page changes nothing');
select tests.page(jsonb_build_array(tests.portal_row('C1', :'mentor', '2029-05-01', '2026-03-03T10:00:00Z')));
select is(tests.held('C1'), 'certification until 2029-05-01', 'a later one does');

-- In a round for everything, after which what was not named is gone.
select tests.week_passed();
select public.begin_portal_sync(source => 'hlf');
select is(
  (tests.page(jsonb_build_array(tests.portal_row('C1', :'mentor', '2030-05-01') || '{"expires_on": "in spring"}'))).rejected,
  '{"malformed_date": 1}', 'a word that can''t be read is refused'
);
select is(tests.held('C1'), 'certification until 2029-05-01', 'but what it is about is named, and stays as it was');

select * from finish();
rollback;
