begin;
select plan(7);

select throws_ok(
  'select public.run_certification_expiry(as_of => null)', '22023', 'as_of must be a moment, not null', 'a run is of a moment'
);
select throws_ok(
  $$ select public.run_certification_expiry(as_of => 'infinity') $$, '22023', 'as_of must be a moment, not infinity', 'which has an end'
);
select throws_ok($$ select public.run_certification_expiry(as_of => '-infinity', dry_run => true) $$, '22023', 'as_of must be a moment, not -infinity', 'and a beginning, in a dry run too');
select throws_ok(
  'select public.run_certification_expiry(dry_run => null)', '22004', 'dry_run must be true or false, not null', 'it is dry or it is not'
);
select matches(tests.hint_of('select public.run_certification_expiry(as_of => null)'), 'Leave it out for now', 'the hint says what to give');
select is_empty('select * from public.run_certification_expiry()', 'without arguments it is of now');
select is_empty('select * from scheduler.certification_watermarks', 'where nothing is required nothing is kept');

select * from finish();
rollback;
