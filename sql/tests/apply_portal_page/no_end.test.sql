-- A portal that names one next page after the other is not followed for ever.

begin;
select plan(14);
select tests.mentor() as mentor \gset
create function pg_temp.row_of(id text) returns jsonb language sql as $$
  select jsonb_build_array(tests.portal_row(id, (select mentor.id from public.peer_mentors as mentor)));
$$;
-- So many pages of that, each of which names a next one.
create function pg_temp.pages(many integer, certifications jsonb) returns void language sql as $$
  select tests.page(pages.certifications, next_cursor => 'next') from generate_series(1, many);
$$;
create function pg_temp.idle() returns integer language sql as $$ select round_idle_pages from scheduler.portal_syncs $$;

-- In circles.
select pg_temp.pages(1, pg_temp.row_of('C1'));
select pg_temp.pages(1, pg_temp.row_of('C2'));
select is(pg_temp.idle(), 0, 'pages that name something new are none of nothing new');
select lives_ok($$ select pg_temp.pages(19, pg_temp.row_of('C1')) $$, 'what is named again on nineteen pages is taken for what was written meanwhile');
select is(pg_temp.idle(), 19, 'they are counted');
select throws_ok($$ select pg_temp.pages(1, pg_temp.row_of('C1')) $$, '22000', 'the portal has no end: after page 22 it still names a next one', 'on the twentieth it is not believed any more');
select is((select round_page from scheduler.portal_syncs), 21, 'which is not taken over');
select is((tests.page(pg_temp.row_of('C1'))).completed, true, 'unless it is the last');
select is(pg_temp.idle(), 20, 'as this one was');

-- Without anything.
select public.begin_portal_sync(source => 'hlf');
select is(pg_temp.idle(), 0, 'each round begins to count anew');
select pg_temp.pages(19, '[]');
select throws_like($$ select pg_temp.pages(1, '[]') $$, '%has no end: after page 20 %', 'pages with nothing on them are of nothing new, too');

-- Something in between.
select pg_temp.pages(1, pg_temp.row_of('C3'));
select is(pg_temp.idle(), 0, 'one that is new in between is enough');
select pg_temp.pages(19, '[]');
select lives_ok(format($$ select pg_temp.pages(1, jsonb_build_array(tests.portal_row('S1', %L))) $$, gen_random_uuid()), 'as is one of a stranger');
select is(pg_temp.idle(), 0, 'who is nothing that was named before');

-- However much there is.
update scheduler.portal_syncs set round_page = 9998;
select lives_ok($$ select pg_temp.pages(1, pg_temp.row_of('C4')) $$, 'page 9,999 may have a next one');
select throws_like($$ select pg_temp.pages(1, pg_temp.row_of('C5')) $$, '%has no end: after page 10000 %', 'page 10,000 may not');

select * from finish();
rollback;
