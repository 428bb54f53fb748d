begin;
select plan(15);

select tests.staff() as coordinator \gset
-- Of four minutes; three of the last are of the very same moment.
select tests.run(requested_at => '2026-03-10 06:00Z'::timestamptz + make_interval(mins => least(place, 4)))
from generate_series(1, 7) as place;
select array_agg(run.id order by run.requested_at desc, run.id desc) as newest_first
from scheduler.invocations as run \gset

-- All pages, one after the other, by the last run of the page before.
create function pg_temp.read_in_pages(page_size integer) returns uuid[] language plpgsql as $$
declare
  seen uuid[] := '{}';
  last_seen record;
  this_page record;
begin
  select null::timestamptz as requested_at, null::uuid as id into last_seen;
  for number in 1..20 loop
    select array_agg(page.id) as ids, count(*) as size into this_page
    from public.list_invocations(
      before_requested_at => last_seen.requested_at, before_id => last_seen.id, page_size => read_in_pages.page_size
    ) as page;
    if this_page.size > read_in_pages.page_size then
      raise exception 'a page of % has %', read_in_pages.page_size, this_page.size;
    end if;
    exit when this_page.size = 0;
    seen := seen || this_page.ids;
    select page.requested_at, page.id into last_seen
    from public.list_invocations(page_size => 200) as page where page.id = seen[cardinality(seen)];
  end loop;
  return seen;
end;
$$;

select tests.as_caller(:'coordinator');
select is(array(select id from public.list_invocations()), :'newest_first'::uuid[], 'the newest run is the first');
select is(pg_temp.read_in_pages(size), :'newest_first'::uuid[], format('pages of %s have no gap and no run twice, also within one moment', size))
from unnest(array[1, 2, 3, 4, 6, 7, 8, 200]) as size;
reset role;

-- A run comes while the list is read.
select tests.run() as new \gset
select tests.as_caller(:'coordinator');
select is(
  array(
    select page.id from public.list_invocations(
      before_requested_at => (select requested_at from public.list_invocations() where id = (:'newest_first'::uuid[])[2]),
      before_id => (:'newest_first'::uuid[])[2]
    ) as page
  ),
  (:'newest_first'::uuid[])[3:7], 'a run that comes while the list is read moves no page'
);
select is((select id from public.list_invocations(page_size => 1)), :'new', 'and is the first of a new list');
reset role;

-- The run of the page before is gone.
delete from scheduler.invocations where id = (:'newest_first'::uuid[])[2];
select tests.as_caller(:'coordinator');
select is(
  array(select id from public.list_invocations(before_requested_at => '2026-03-10 06:04Z', before_id => (:'newest_first'::uuid[])[2])),
  (:'newest_first'::uuid[])[3:7], 'a page goes on where it stopped, though that run was deleted'
);
select is_empty(
  $$ select * from public.list_invocations(before_requested_at => '2026-03-10 06:01Z', before_id => '00000000-0000-0000-0000-000000000000') $$,
  'before the oldest there is none'
);
reset role;

select tests.run() from generate_series(1, 60);
select tests.as_caller(:'coordinator');
select is((select count(*) from public.list_invocations()), 50::bigint, 'a page has fifty where nothing else is asked for');
reset role;
delete from scheduler.invocations;
select tests.as_caller(:'coordinator');
select is_empty('select * from public.list_invocations()', 'without runs the list is empty');
reset role;

select * from finish();
rollback;
