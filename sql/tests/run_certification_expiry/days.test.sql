begin;
select plan(21);

select tests.requires();
select tests.mentor() as mentor \gset
select tests.certified_until(:'mentor', '2026-03-10') as certification \gset
select is(tests.status_after(:'mentor', '2026-03-10'), 'active', 'the day a certification expires on is still good');
select is(tests.history(:'mentor'), null, 'and leaves nothing in the history');
select is(tests.night('2026-03-11'), 'active to paused: certification_expired', 'the day after the mentor is paused');
select is((select status from public.peer_mentors), 'paused', 'on the roster');
select is(tests.history(:'mentor'), 'active to paused by certification-expiry certification_expired', 'and the history says so');
select is(tests.night('2026-03-11'), null, 'a second run changes nothing');
select is(tests.night('2026-03-12'), null, 'nor does the next night');
select is((select count(*) from public.mentor_status_history), 1::bigint, 'the history has one line');

-- Without limit.
select tests.mentor() as unlimited \gset
select tests.certified(:'unlimited', 'certification');
select is(tests.status_after(:'unlimited', '2099-01-01'), 'active', 'one that is valid without limit never runs out');

update public.certifications set expires_on = '2099-01-01' where user_id = :'mentor';
select is(tests.status_after(:'mentor', '2026-03-13'), 'active', 'a mentor whose certification was renewed is resumed');
select is(tests.status_after(:'mentor', '2099-01-02'), 'paused', 'paused when that runs out');
update public.certifications set expires_on = null where user_id = :'mentor';
select is(tests.status_after(:'mentor', '2099-01-02'), 'active', 'and resumed when it becomes one without limit');

-- Revoked.
select tests.mentor() as revoked \gset
select tests.certified(:'revoked', 'certification', '2199-12-31');
update public.certifications set revoked_at = now() where user_id = :'revoked';
select is(tests.status_after(:'revoked', '2099-01-02'), 'paused', 'one that is revoked counts as run out, whatever its day');
update public.certifications set revoked_at = now() where user_id = :'unlimited';
select is(tests.status_after(:'unlimited', '2099-01-03'), 'paused', 'one without limit too');

-- Never held.
select tests.mentor() as novice \gset
select is(tests.status_after(:'novice', '2099-01-04'), 'active', 'what a mentor never had has not run out');
select tests.certified(:'novice', 'another', '2026-01-01');
select is(tests.status_after(:'novice', '2099-01-05'), 'active', 'nor has it when another one has, which is not required');

-- Nothing is required.
select tests.organisation() as easy \gset
select tests.mentor(organisation_id => :'easy') as carefree \gset
select tests.certified_until(:'carefree', '2026-01-01');
select is(tests.status_after(:'carefree', '2099-01-06'), 'active', 'where nothing is required nobody is paused');

-- Inactive.
select tests.mentor() as inactive \gset
select tests.given('inactive', :'inactive');
select tests.certified_until(:'inactive', '2026-01-01');
select is(tests.status_after(:'inactive', '2099-01-07'), 'inactive', 'who is inactive stays so');
update public.certifications set expires_on = null where user_id = :'inactive';
select is(tests.status_after(:'inactive', '2099-01-08'), 'inactive', 'also when all is in order again');
update public.certifications set expires_on = '2026-01-01' where user_id = :'inactive';
select tests.night('2099-01-09');
select tests.given('active', :'inactive');
select is(tests.status_after(:'inactive', '2099-01-10'), 'paused', 'and is looked at on becoming active');
select is(
  tests.history(:'inactive'), E'active to inactive by postgres\ninactive to active by postgres\nactive to paused by certification-expiry certification_expired',
  'with all of it in the history'
);

select * from finish();
rollback;
