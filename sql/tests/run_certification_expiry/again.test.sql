-- Nights that are missed, come twice, or come late.

begin;
select plan(22);
select tests.requires();

-- Both directions, twice.
select tests.mentor() as mentor \gset
select tests.certified_until(:'mentor', '2026-03-10') as certification \gset
select is(tests.status_after(:'mentor', '2026-03-11'), 'paused', 'it runs out');
update public.certifications set expires_on = '2026-04-10' where id = :'certification';
select is(tests.status_after(:'mentor', '2026-03-12'), 'active', 'is renewed');
select is(tests.status_after(:'mentor', '2026-04-10'), 'active', 'holds until its day');
select is(tests.status_after(:'mentor', '2026-04-11'), 'paused', 'runs out again');
update public.certifications set expires_on = '2026-05-10' where id = :'certification';
select is(tests.status_after(:'mentor', '2026-04-12'), 'active', 'and is renewed again');
select is(
  tests.history(:'mentor'),
  E'active to paused by certification-expiry certification_expired\npaused to active by certification-expiry certification_renewed\n'
    'active to paused by certification-expiry certification_expired\npaused to active by certification-expiry certification_renewed',
  'with a line in the history each time'
);

-- A week without a night.
select tests.mentor() as day_after \gset
select tests.mentor() as midweek \gset
select tests.mentor() as last_day \gset
select tests.certified_until(:'day_after', '2026-06-01'), tests.certified_until(:'midweek', '2026-06-04'), tests.certified_until(:'last_day', '2026-06-07');
update public.certifications set expires_on = '2099-01-01' where id = :'certification';
select tests.night('2026-06-01');
select is((select count(*) from public.peer_mentors where status = 'paused'), 0::bigint, 'before the week all are active');
select is(
  (select count(*) from public.run_certification_expiry(as_of => '2026-06-08 02:00Z')), 3::bigint,
  'a week of nights that were missed is made up for by the first that comes'
);
select is(tests.night('2026-06-09'), null, 'and leaves nothing to the next');

-- The past.
select tests.mentor() as late_paper \gset
select tests.certified_until(:'late_paper', '2026-06-05');
update public.certifications set name = 'certification' where user_id = :'midweek';
select lives_ok($$ select tests.night('2026-03-01') $$, 'a run of a day that is long past is no error');
select is((select status from public.peer_mentors where id = :'midweek'), 'paused', 'it resumes nobody whose certification was good on that day');
select is((select checked_until from scheduler.certification_watermarks), '2026-06-09'::date, 'takes nothing back of what was looked at');
select is(tests.status_after(:'late_paper', '2026-06-10'), 'paused', 'and forgets nobody who ran out since');
select is(tests.night('2026-06-10'), null, 'and the next night has nothing to undo');

-- Noted between two runs of one day.
update public.certifications set expires_on = '2099-01-01' where user_id = :'late_paper';
select is(tests.status_after(:'late_paper', '2026-06-10'), 'active', 'a second run of a day does what came up since the first');

-- What was looked at is forgotten, what was not is not.
select is_empty('select * from scheduler.certification_checks', 'after a run nobody waits to be looked at');
select tests.certified_until(:'mentor', '2099-06-01');
select is(array(select user_id from scheduler.certification_checks), array[:'mentor'::uuid], 'a certification that is written has its mentor looked at');
select tests.night('2026-06-11');
select is_empty('select * from scheduler.certification_checks', 'once');

-- A requirement that is gone holds no night back.
select tests.organisation() as leaving \gset
select tests.requires('driving', :'leaving');
select tests.night('2026-06-12');
delete from scheduler.required_certifications where organisation_id = :'leaving';
select tests.night('2026-07-12');
select set_eq(
  'select checked_until from scheduler.certification_watermarks', $$ values ('2026-07-12'::date) $$,
  'of an organisation that requires nothing any more no day is kept'
);
select tests.requires('driving', :'leaving');
select tests.mentor(organisation_id => :'leaving') as returned \gset
select tests.certified(:'returned', 'driving', '2026-07-12');
select tests.night('2026-07-12');
select is(tests.status_after(:'returned', '2026-07-13'), 'paused', 'and is looked at again once it does');
select is(tests.status_after(:'returned', '2026-07-14'), 'paused', 'and stays so');
select is((select count(*) from scheduler.certification_watermarks), 2::bigint, 'each organisation has one day up to which it was looked at');

select * from finish();
rollback;
