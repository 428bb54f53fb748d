-- A round asks a portal for everything, or for what changed; one that was cut short goes on.

begin;
select plan(30);
select tests.mentor() as mentor \gset

-- What is asked for next: all or what changed, and at which page.
create function pg_temp.asks(anew boolean default false) returns text language sql as $$
  select concat_ws(
    ' ', coalesce('what changed since ' || to_char(round.modified_since at time zone 'UTC', 'MM-DD HH24:MI'), 'everything'),
    'from page', round.page, 'at ' || round.page_cursor
  )
  from public.begin_portal_sync(source => 'hlf', anew => asks.anew) as round;
$$;
create function pg_temp.started_at() returns timestamptz language sql as $$ select round_started_at from scheduler.portal_syncs where source = 'hlf' $$;

-- The first.
select is(pg_temp.asks(), 'everything from page 0', 'the first round asks for everything, from the first page');
select is((select count(*) from scheduler.portal_syncs), 1::bigint, 'it is noted');
select ok(pg_temp.started_at() between now() and clock_timestamp(), 'with when it began');
select is((select (begun.*)::text from public.begin_portal_sync(source => 'hlf') as begun), (select (begun.*)::text from public.begin_portal_sync(source => 'hlf') as begun), 'who asks twice is told the same');
select pg_temp.started_at() as first_round \gset

-- Going on.
select tests.page(jsonb_build_array(tests.portal_row('C1', :'mentor')), next_cursor => 'page two');
select is(pg_temp.asks(), 'everything from page 1 at page two', 'one that was cut short goes on where it was');
select is(pg_temp.started_at(), :'first_round', 'as the same round');
select is(pg_temp.asks(anew => true), 'everything from page 0', 'or begins anew, if that is asked for');
select cmp_ok(pg_temp.started_at(), '>', :'first_round'::timestamptz, 'as another round');
select is((select concat(round_cursor, round_idle_pages, round_modified_until) from scheduler.portal_syncs), '0', 'of which nothing is left of the one before');

-- What was forgotten.
select tests.page('[]', next_cursor => 'page two');
update scheduler.portal_syncs set round_started_at = now() - interval '2 days';
select is(pg_temp.asks(), 'everything from page 1 at page two', 'one of two days ago goes on');
update scheduler.portal_syncs set round_started_at = now() - interval '2 days 1 second';
select is(pg_temp.asks(), 'everything from page 0', 'an older one begins anew');

-- The next.
select tests.page(jsonb_build_array(tests.portal_row('C1', :'mentor', modified_on => '2026-03-01T10:00:00Z')));
select is(pg_temp.asks(), 'what changed since 03-01 09:50 from page 0', 'the next asks for what changed, a little more than it needs');
select tests.page('[]', next_cursor => 'page two');
select is(pg_temp.asks(), 'what changed since 03-01 09:50 from page 1 at page two', 'also where it goes on');
select is(pg_temp.asks(anew => true), 'what changed since 03-01 09:50 from page 0', 'and where it begins anew');

-- Once a week.
create function pg_temp.asks_after(time_passed interval) returns text language plpgsql as $$
begin
  update scheduler.portal_syncs set round_started_at = null, full_round_at = now() - time_passed;
  return pg_temp.asks();
end;
$$;
select is(pg_temp.asks_after('6 days'), 'what changed since 03-01 09:50 from page 0', 'for six days what changed is asked for');
select is(pg_temp.asks_after('6 days 12 hours'), 'what changed since 03-01 09:50 from page 0', 'and a half');
select is(pg_temp.asks_after('6 days 12 hours 1 second'), 'everything from page 0', 'in the seventh night everything, also if it comes a little early');
select is(pg_temp.asks_after('30 days'), 'everything from page 0', 'and as soon as there is a round at all');
select is(pg_temp.asks_after(null), 'everything from page 0', 'as where nobody knows when that was');
update scheduler.portal_syncs set round_started_at = null, modified_since = null, full_round_at = now();
select is(pg_temp.asks(), 'everything from page 0', 'where nobody knows since when, everything is asked for');
select tests.page(jsonb_build_array(tests.portal_row('C1', :'mentor')));
select is((select full_round_at between now() and clock_timestamp() from scheduler.portal_syncs), true, 'when it is over, its beginning is noted');
select full_round_at as before from scheduler.portal_syncs \gset
select tests.page('[]');
select is((select full_round_at from scheduler.portal_syncs), :'before', 'a round for what changed is none');
select is((select round_started_at from scheduler.portal_syncs), null, 'after the last page no round is on');

-- One that is for everything stays so to its end, though a week may pass.
select tests.week_passed();
select is(pg_temp.asks(), 'everything from page 0', 'a round for everything');
update scheduler.portal_syncs set full_round_at = now();
select is(pg_temp.asks(), 'everything from page 0', 'stays one as long as it is on');

-- Several portals.
select is((select page_cursor from public.begin_portal_sync(source => 'another')), null, 'another portal has rounds of its own');
select is((select count(*) from scheduler.portal_syncs), 2::bigint, 'and its own row');

-- What is none.
select throws_ok('select public.begin_portal_sync(source => null)', '22004', 'source must not be null', 'a portal has a name');
select matches(tests.hint_of('select public.begin_portal_sync(source => null)'), 'hlf for example', 'the hint gives one');
select throws_ok($$ select public.begin_portal_sync(source => 'HLF portal') $$, '22023', 'source can''t be ''HLF portal''', 'a plain one');

select * from finish();
rollback;
