-- What a person decided stands; the job undoes only what the job did.

begin;
select plan(21);
select tests.requires();

-- Paused by a person.
select tests.mentor() as resting \gset
select tests.certified_until(:'resting', '2026-03-10') as certification \gset
select tests.given('paused', :'resting');
select is(tests.status_after(:'resting', '2026-03-01'), 'paused', 'who was paused by a person stays paused while all is in order');
select is(tests.status_after(:'resting', '2026-03-11'), 'paused', 'and when her certification expires');
select is(tests.history(:'resting'), 'active to paused by postgres', 'which is no change');
update public.certifications set expires_on = '2027-03-10' where id = :'certification';
select is(tests.status_after(:'resting', '2026-03-12'), 'paused', 'and when it is renewed');
select is(tests.history(:'resting'), 'active to paused by postgres', 'which is none either');

-- Activated by a person though it has run out.
select tests.mentor() as hurried \gset
select tests.certified_until(:'hurried', '2026-03-20') as certification \gset
select is(tests.status_after(:'hurried', '2026-03-21'), 'paused', 'whom the job paused');
select tests.given('active', :'hurried');
select is(tests.status_after(:'hurried', '2026-03-22'), 'paused', 'and a person activated is paused again the next night');
select is(
  tests.history(:'hurried'),
  E'active to paused by certification-expiry certification_expired\npaused to active by postgres\nactive to paused by certification-expiry certification_expired',
  'with who did what in the history'
);
select tests.given('active', :'hurried');
update public.certifications set expires_on = '2027-03-20' where id = :'certification';
select is(tests.status_after(:'hurried', '2026-03-23'), 'active', 'unless it was renewed meanwhile');

-- Activated, then paused by hand.
update public.certifications set expires_on = '2026-03-25' where id = :'certification';
select is(tests.status_after(:'hurried', '2026-03-26'), 'paused', 'the job pauses her once more');
select tests.given('active', :'hurried'), tests.given('paused', :'hurried');
update public.certifications set expires_on = '2027-03-25' where id = :'certification';
select is(tests.status_after(:'hurried', '2026-03-27'), 'paused', 'who was activated and then paused by hand stays paused after the renewal');

-- Between two nights both ways.
select tests.mentor() as busy \gset
select tests.certified_until(:'busy', '2026-04-01');
select tests.given('paused', :'busy'), tests.given('active', :'busy');
select is(tests.status_after(:'busy', '2026-04-02'), 'paused', 'who was paused and activated by hand is paused when hers runs out');

-- Paused by the job, then inactive, and back.
select tests.given('inactive', :'busy');
update public.certifications set expires_on = '2027-04-01' where user_id = :'busy';
select is(tests.status_after(:'busy', '2026-04-03'), 'inactive', 'who left while paused by the job is not resumed');
select tests.given('paused', :'busy');
select is(tests.status_after(:'busy', '2026-04-04'), 'paused', 'nor when a person makes her paused');

-- A person may say why; only certification_expired is taken back.
select set_config('scheduler.status_reason', 'on leave', true);
select tests.mentor() as away \gset
select tests.certified_until(:'away', '2026-05-01');
select tests.given('paused', :'away');
select is(tests.history(:'away'), 'active to paused by postgres on leave', 'a reason that is given is kept');
select tests.night('2026-05-02');
update public.certifications set expires_on = '2027-05-01' where user_id = :'away';
select is(tests.status_after(:'away', '2026-05-03'), 'paused', 'and is not the job''s');
select set_config('scheduler.status_reason', '', true);

-- From before there was a history.
select tests.mentor() as veteran \gset
select tests.certified_until(:'veteran', '2026-05-01');
select tests.given('paused', :'veteran');
delete from public.mentor_status_history where user_id = :'veteran';
update public.certifications set expires_on = '2027-05-01' where user_id = :'veteran';
select is(tests.status_after(:'veteran', '2026-05-04'), 'paused', 'of whom no history is known was not paused by the job');

-- The renewal resumes exactly those whom the job paused.
select tests.mentor() as one \gset
select tests.mentor() as two \gset
select tests.mentor() as by_hand \gset
select tests.certified_until(id, '2026-06-01') from unnest(array[:'one', :'two', :'by_hand']::uuid[]) as id;
select tests.given('paused', :'by_hand');
select is(tests.night('2026-06-02'), 'active to paused: certification_expired, active to paused: certification_expired', 'of three two are paused by the job');
update public.certifications set expires_on = '2027-06-01' where expires_on = '2026-06-01';
select set_eq(
  $$ select user_id, from_status, to_status, reason from public.run_certification_expiry(as_of => '2026-06-03 02:00Z') $$,
  format($$ values (%L::uuid, 'paused', 'active', 'certification_renewed'), (%L, 'paused', 'active', 'certification_renewed') $$, :'one', :'two'),
  'and exactly these are resumed'
);
select is((select status from public.peer_mentors where id = :'by_hand'), 'paused', 'the third is not');
select is(tests.night('2026-06-04'), null, 'nor the night after');

select * from finish();
rollback;
