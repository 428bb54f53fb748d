begin;
select plan(18);

select tests.organisation() as ours \gset
select tests.organisation() as theirs \gset
select tests.mentor(organisation_id => :'ours') as active \gset
select tests.mentor(organisation_id => :'ours') as away \gset
select tests.mentor(organisation_id => :'ours') as gone \gset
select tests.mentor(organisation_id => :'theirs') as other \gset
update public.peer_mentors set status = 'paused' where id = :'away';
update public.peer_mentors set status = 'inactive' where id = :'gone';
select tests.certified_until(mentor.id, '2026-03-20') from public.peer_mentors as mentor;

create function pg_temp.found(
  scenarios text[] default null, organisation_ids uuid[] default null, user_ids uuid[] default null
) returns setof text language sql as $$
  select candidate.scenario_type || ' ' || case mentor.organisation_id when current_setting('tests.ours')::uuid then 'ours' else 'theirs' end
  from public.run_scenario_evaluation(
    as_of => '2026-03-10 12:00+01', dry_run => true,
    scenarios => found.scenarios, organisation_ids => found.organisation_ids, user_ids => found.user_ids
  ) as candidate
  join public.peer_mentors as mentor on mentor.id = candidate.user_id;
$$;
select set_config('tests.ours', :'ours', true);

select is(tests.foreseen(:'away', '2026-03-10 12:00+01'), null, 'a paused mentor gets nothing');
select is(tests.foreseen(:'gone', '2026-03-10 12:00+01'), null, 'an inactive mentor gets nothing');
select results_eq(
  $$ select pg_temp.found() order by 1 $$, array['expiry ours', 'expiry theirs'],
  'without arguments every active mentor of every organisation is evaluated'
);
update public.peer_mentors set status = 'active' where id = :'away';
select is(
  tests.foreseen(:'away', '2026-03-10 12:00+01'), 'expiry:2026-03-20:30',
  'a mentor who is active again is evaluated again'
);
update public.peer_mentors set status = 'paused' where id = :'away';

-- Arguments.
select results_eq(
  $$ select pg_temp.found(scenarios => array['inactivity']) order by 1 $$, array['inactivity ours', 'inactivity theirs'],
  'scenarios narrows to these scenarios'
);
select results_eq(
  $$ select pg_temp.found(scenarios => array['milestone', 'expiry', 'expiry']) order by 1 $$, array['expiry ours', 'expiry theirs'],
  'a scenario that is named twice is evaluated once'
);
select results_eq(
  format($$ select pg_temp.found(organisation_ids => array[%L]::uuid[]) $$, :'theirs'), array['expiry theirs'],
  'organisation_ids narrows to these organisations'
);
select results_eq(
  format($$ select pg_temp.found(user_ids => array[%L]::uuid[]) $$, :'active'), array['expiry ours'],
  'user_ids narrows to these mentors'
);
select is_empty(
  format($$ select pg_temp.found(user_ids => array[%L, %L]::uuid[]) $$, :'away', :'gone'),
  'naming mentors who are not active does not bring them back'
);
select is_empty(
  format($$ select pg_temp.found(user_ids => array[%L]::uuid[], organisation_ids => array[%L]::uuid[]) $$, :'active', :'theirs'),
  'the arguments narrow together'
);
select results_eq(
  format($$ select pg_temp.found(scenarios => array['inactivity'], user_ids => array[%1$L, %1$L]::uuid[]) $$, :'active'),
  array['inactivity ours'],
  'a mentor who is named twice is evaluated once'
);
select is_empty(
  $$ select pg_temp.found(user_ids => array['dddddddd-0000-4000-8000-000000000000']::uuid[]) $$,
  'a mentor whom nobody knows is no error'
);
select is_empty($$ select pg_temp.found(user_ids => '{}') $$, 'a list of no mentors is nobody');
select is_empty($$ select pg_temp.found(organisation_ids => '{}') $$, 'a list of no organisations is none');

-- Paused.
insert into scheduler.organisation_settings (organisation_id, paused) values (:'ours', true);
select results_eq(
  $$ select pg_temp.found() $$, array['expiry theirs'],
  'a paused organisation gets nothing, and others do'
);
select is_empty(
  format($$ select pg_temp.found(organisation_ids => array[%L]::uuid[]) $$, :'ours'),
  'naming a paused organisation does not bring it back'
);
update scheduler.organisation_settings set paused = false where organisation_id = :'ours';
update scheduler.organisation_settings set paused = true where organisation_id is null;
select is_empty($$ select pg_temp.found() $$, 'the default row paused pauses everything, also organisations with a row of their own');
update scheduler.organisation_settings set paused = false;
select is((select count(*) from pg_temp.found()), 2::bigint, 'nothing is lost by a pause');

select * from finish();
rollback;
