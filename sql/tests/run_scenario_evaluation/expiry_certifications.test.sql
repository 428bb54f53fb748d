begin;
select plan(13);

-- Two of one date.
select tests.mentor() as twice \gset
select tests.certified_until(:'twice', '2026-06-30');
select tests.certified_until(:'twice', '2026-06-30');
select is(
  tests.pushed(:'twice', tests.noon('2026-05-01'), 'expiry'), 'expiry:2026-06-30:60',
  'two certifications that expire on one date are one occurrence'
);
select is(
  tests.foreseen(:'twice', tests.noon('2026-05-02'), 'expiry'), null,
  'the second certification of that date is done with the first'
);

-- Two dates.
select tests.mentor() as both \gset
select tests.certified_until(:'both', '2026-06-30');
select tests.certified_until(:'both', '2026-06-20');
select is(
  tests.pushed(:'both', tests.noon('2026-06-15'), 'expiry'), 'expiry:2026-06-20:7',
  'of two dates the earliest goes first, and alone'
);
select is(
  tests.foreseen(:'both', tests.noon('2026-06-15'), 'expiry'), null,
  'the later date does not follow on the same day'
);
select is(
  tests.pushed(:'both', tests.noon('2026-06-16'), 'expiry'), 'expiry:2026-06-30:30',
  'the later date follows on the next day'
);
select is(
  tests.foreseen(:'both', tests.noon('2026-06-17'), 'expiry'), null,
  'after both dates nothing is due'
);
select is(
  tests.foreseen(:'both', tests.noon('2026-06-23'), 'expiry'), 'expiry:2026-06-30:7',
  'an expired certification does not stand in the way of the next'
);

-- Not due at all.
select tests.mentor() as revoked \gset
select tests.certified_until(:'revoked', '2026-06-30') as certification \gset
update public.certifications set revoked_at = '2026-04-01 12:00+00' where id = :'certification';
select is(
  tests.foreseen(:'revoked', tests.noon('2026-06-25'), 'expiry'), null,
  'a revoked certification is not due'
);
select tests.certified_until(:'revoked', '2026-07-10');
select is(
  tests.foreseen(:'revoked', tests.noon('2026-06-25'), 'expiry'), 'expiry:2026-07-10:30',
  'a revoked certification does not hide another'
);
select tests.mentor() as unlimited \gset
select tests.certified_until(:'unlimited', null);
select is(
  tests.foreseen(:'unlimited', tests.noon('2026-06-25'), 'expiry'), null,
  'a certification without expires_on is not due'
);

-- Renewed.
select tests.mentor() as renewing \gset
select tests.certified_until(:'renewing', '2026-06-30') as certification \gset
select is(
  tests.pushed(:'renewing', tests.noon('2026-05-01'), 'expiry'), 'expiry:2026-06-30:60',
  'before the renewal the old date is due'
);
update public.certifications set expires_on = '2027-06-30' where id = :'certification';
select is(
  tests.foreseen(:'renewing', tests.noon('2026-06-25'), 'expiry'), null,
  'after the renewal the old date is not due any more'
);
select is(
  tests.foreseen(:'renewing', tests.noon('2027-05-01'), 'expiry'), 'expiry:2027-06-30:60',
  'a renewal is a new occurrence'
);

select * from finish();
rollback;
