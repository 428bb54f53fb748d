-- Pages of a round, one after the other, by one run at a time; and from when on the next asks.

begin;
select plan(42);
select tests.mentor() as mentor \gset
create function pg_temp.rows(variadic ids text[]) returns jsonb language sql as $$
  select jsonb_agg(tests.portal_row(id, (select mentor.id from public.peer_mentors as mentor order by mentor.joined_on limit 1))) from unnest(ids) as id;
$$;
create function pg_temp.apply(started_at timestamptz, page integer, rows jsonb default '[]', next_cursor text default null) returns scheduler.portal_page_result language sql as $$
  select public.apply_portal_page(source => 'hlf', started_at => apply.started_at, page => apply.page, certifications => rows, next_cursor => apply.next_cursor);
$$;
create function pg_temp.since() returns text language sql as $$
  select to_char(modified_since at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS') from scheduler.portal_syncs where source = 'hlf';
$$;

-- Page after page.
select started_at as round from public.begin_portal_sync(source => 'hlf') \gset
select is((pg_temp.apply(:'round', 0, pg_temp.rows('C1', 'C2'), 'two')).completed, false, 'a page with a cursor is not the last');
select is((select concat_ws(' ', round_page, round_cursor) from scheduler.portal_syncs), '1 two', 'where the round goes on is noted');
select is((select count(*) from public.certifications), 2::bigint, 'what was on it is here already');
select is((select concat(modified_since, completed_at, full_round_at) from scheduler.portal_syncs), '', 'but nothing is over');
select is((pg_temp.apply(:'round', 1, '[]', 'three')).received, 0, 'an empty page may be on the way');
select is((pg_temp.apply(:'round', 2, pg_temp.rows('C3'))).completed, true, 'the one without is the last');
select is((select count(*) from public.certifications where revoked_at is null), 3::bigint, 'all are here');
select is((select concat(round_started_at, round_cursor) from scheduler.portal_syncs), '', 'no round is on');
select ok((select completed_at between now() and clock_timestamp() from scheduler.portal_syncs), 'when it was over is noted');
select is((select full_round_at from scheduler.portal_syncs), :'round', 'and that it was for everything');

-- By one run at a time.
select throws_ok(
  format('select pg_temp.apply(%L, 3)', :'round'), '55000', 'page 3 of this round was dealt with by another run', 'after the last page there is no other'
);
select started_at as round from public.begin_portal_sync(source => 'hlf') \gset
select pg_temp.apply(:'round', 0, pg_temp.rows('C1'), 'two');
select throws_ok(format('select pg_temp.apply(%L, 0, pg_temp.rows(''C4''), ''two'')', :'round'), '55000', 'page 0 of this round was dealt with by another run', 'a page is not dealt with twice');
select throws_ok(format('select pg_temp.apply(%L, 2)', :'round'), '55000', null, 'nor one left out');
select throws_ok(format('select pg_temp.apply(%L, null)', :'round'), '55000', 'page -1 of this round was dealt with by another run', 'nor one without a number');
select throws_ok(format('select pg_temp.apply(%L::timestamptz - interval ''1 microsecond'', 1)', :'round'), '55000', null, 'one of an earlier round is not taken over');
select throws_ok('select pg_temp.apply(null, 1)', '55000', null, 'nor one of none');
select matches(tests.hint_of('select pg_temp.apply(null, 1)'), 'begin_portal_sync', 'the hint says who knows where the round is');
select is(tests.held('C4'), null, 'what was on these is not here');
select started_at as later from public.begin_portal_sync(source => 'hlf', anew => true) \gset
select throws_ok(format('select pg_temp.apply(%L, 1)', :'round'), '55000', null, 'who was taken for dead does not go on where another began anew');
select lives_ok(format('select pg_temp.apply(%L, 0)', :'later'), 'who began anew does');
select throws_ok('select pg_temp.apply(null, 1)', '55000', null, 'where no round is on, no page is taken over');
select throws_ok(
  $$ select public.apply_portal_page(source => 'never begun', started_at => null, page => null, certifications => '[]') $$, '55000', null, 'nor of a portal that there is not'
);
select throws_ok(
  $$ select public.apply_portal_page(source => null, started_at => now(), page => 0, certifications => '[]') $$, '55000', null, 'or that has no name'
);

-- From when on the next asks.
create function pg_temp.told_until(variadic modified text[]) returns text language plpgsql as $$
begin
  perform tests.page(jsonb_agg(tests.portal_row('W' || place, (select mentor.id from public.peer_mentors as mentor), modified_on => said)))
  from unnest(modified) with ordinality as named (said, place);
  return pg_temp.since();
end;
$$;
select is(pg_temp.told_until('2026-03-01T10:00:00Z', '2026-03-05T12:00:00Z', '2026-03-03T10:00:00Z'), '2026-03-05 11:50:00', 'the next round asks from the latest change on, and ten minutes before');
select is(pg_temp.told_until('2026-03-05T12:00:00Z'), '2026-03-05 11:50:00', 'which stays so while nothing changes');
select tests.page('[]');
select is(pg_temp.since(), '2026-03-05 11:50:00', 'also where nothing is named at all: the portal''s clock may be behind');
select is(pg_temp.told_until('2026-03-06T12:00:00Z'), '2026-03-06 11:50:00', 'and goes on with the next change');
select tests.page(jsonb_build_array(tests.portal_row('W1', :'mentor', 'never', '2026-03-07T12:00:00Z')));
select is(pg_temp.since(), '2026-03-06 11:50:00', 'what can''t be taken over is asked for again');
select tests.page(jsonb_build_array(tests.portal_row('W1', :'mentor', modified_on => '2026-03-08T12:00:00Z')), next_cursor => 'two');
select is(pg_temp.since(), '2026-03-06 11:50:00', 'a round that is on moves nothing');
select tests.page(jsonb_build_array(tests.portal_row('W2', :'mentor', modified_on => '2026-03-07T12:00:00Z')));
select is(pg_temp.since(), '2026-03-08 11:50:00', 'at its end all of its pages count');
select is(pg_temp.told_until('2099-01-01T00:00:00Z'), '2026-03-08 11:50:00', 'what the portal dates in the future moves nothing');
select is(pg_temp.told_until('2099-01-01T00:00:00Z', '2026-03-09T12:00:00Z'), '2026-03-09 11:50:00', 'but what it names beside that does');
delete from scheduler.portal_syncs;
delete from scheduler.portal_certifications;
select tests.page('[]');
select is(pg_temp.since(), null, 'a portal that has named nothing yet is asked for everything again');

-- Lists.
select tests.page('[]', next_cursor => 'two');
select throws_ok($$ select tests.page('{}') $$, '22023', 'certifications must be a list of 5000 at most', 'certifications are a list');
select throws_ok($$ select tests.page('null') $$, '22023', 'certifications must be a list of 5000 at most', 'and not null');
select throws_ok('select tests.page(null)', '22023', 'certifications must be a list of 5000 at most', 'of either kind');
select throws_ok($$ select tests.page((select jsonb_agg(n) from generate_series(1, 5001) as n)) $$, '22023', 'certifications must be a list of 5000 at most', 'of 5,000 at most');
select matches(tests.hint_of('select tests.page(null)'), '"external_id"', 'the hint shows one');
select is((select round_page from scheduler.portal_syncs), 1, 'what is refused is no page');
select is((tests.page((select jsonb_agg(n) from generate_series(1, 5000) as n), next_cursor => 'three')).rejected, '{"no_object": 5000}', '5,000 are not too many');
select is((select round_page from scheduler.portal_syncs), 2, 'and are one');

-- Portals side by side.
select public.begin_portal_sync(source => 'another');
select is((select string_agg(concat_ws(' ', source, round_page), ', ' order by source) from scheduler.portal_syncs), 'another 0, hlf 2', 'another portal''s round is another');

select * from finish();
rollback;
