begin;
select plan(4);

select tests.mentor(joined_on => '2026-01-01') as mentor \gset
select tests.certified_until(:'mentor', '2026-03-20');
select tests.evaluate('2026-03-09 12:00+01');

create temporary table before on commit drop as select * from tests.engine_contents();
select is(
  tests.verdict(:'mentor', 'inactivity', '2026-03-10 12:00+01'), 'candidate',
  'explain says what would go out'
);
select results_eq(
  'select * from tests.engine_contents() order by relation', 'select * from before order by relation',
  'explain changes no row of any table'
);
select volatility_is(
  'public', 'explain_scenario_evaluation', array['uuid', 'timestamp with time zone'], 'stable',
  'explain is stable, so that it can''t write'
);

set transaction read only;
select lives_ok(
  format($$ select * from public.explain_scenario_evaluation(%L, '2026-03-10 12:00+01') $$, :'mentor'),
  'explain works where nothing can be written'
);

select * from finish();
rollback;
