begin;
select plan(13);

select tests.staff() as coordinator \gset
select tests.assigned(:'coordinator', tests.mentor()) from generate_series(1, 7);
select tests.placed(tests.chapter(:'coordinator'), variadic (select array_agg(peer_mentor_id) from public.coordinator_assignments));
select tests.mentor() from generate_series(1, 5);

-- All pages, one after the other, as an app reads them.
create function pg_temp.read_in_pages(page_size integer) returns uuid[] language plpgsql as $$
declare
  seen uuid[] := '{}';
  page uuid[];
begin
  for number in 1..20 loop
    page := array(
      select user_id from public.coordinator_mentor_status(after => seen[cardinality(seen)], page_size => read_in_pages.page_size)
    );
    if cardinality(page) > read_in_pages.page_size then
      raise exception 'a page of % has %', read_in_pages.page_size, cardinality(page);
    end if;
    exit when page = '{}';
    seen := seen || page;
  end loop;
  return seen;
end;
$$;
select tests.sorted(variadic array_agg(peer_mentor_id)) as reach from public.coordinator_assignments \gset

select tests.as_caller(:'coordinator');
select is(array(select user_id from public.coordinator_mentor_status()), :'reach'::uuid[], 'the list is in the order of the ids, each once');
select is(pg_temp.read_in_pages(size), :'reach'::uuid[], format('pages of %s have no gap and nobody twice', size)) from unnest(array[1, 2, 3, 6, 7, 8, 200]) as size;
select is_empty(format('select * from public.coordinator_mentor_status(after => %L)', (:'reach'::uuid[])[7]), 'after the last there is none');
select is(
  array(select user_id from public.coordinator_mentor_status(after => '00000000-0000-0000-0000-000000000000')), :'reach'::uuid[],
  'after an id before all of them are all'
);
reset role;

-- Somebody comes while the list is read.
select tests.mentor(id => '00000000-0000-4000-8000-000000000001') as early \gset
select tests.mentor(id => 'ffffffff-0000-4000-8000-000000000001') as late \gset
select tests.assigned(:'coordinator', :'early', :'late');
select tests.as_caller(:'coordinator');
select is(
  array(select user_id from public.coordinator_mentor_status(after => (:'reach'::uuid[])[3])), (:'reach'::uuid[])[4:7] || array[:'late'::uuid],
  'who came in before the page is not in what follows, and who comes behind it is'
);
reset role;
delete from public.peer_mentors where id = (:'reach'::uuid[])[3];
select tests.as_caller(:'coordinator');
select is(
  array(select user_id from public.coordinator_mentor_status(after => (:'reach'::uuid[])[3], page_size => 2)), (:'reach'::uuid[])[4:5],
  'the page goes on where it stopped, though the mentor is gone'
);
reset role;
select tests.mentor(organisation_id => 'aaaaaaaa-0000-4000-8000-000000000000') from generate_series(1, 60);
select tests.staff('admin') as admin \gset
select tests.as_caller(:'admin');
select is((select count(*) from public.coordinator_mentor_status()), 50::bigint, 'a page has fifty where nothing else is asked for');
reset role;

select * from finish();
rollback;
