begin;
select plan(6);

create function pg_temp.chapters(caller uuid) returns uuid[] language plpgsql as $$
begin
  perform set_config('request.jwt.claims', jsonb_build_object('sub', caller, 'role', 'authenticated')::text, true);
  return tests.sorted(variadic scheduler.chapters_of_caller());
end;
$$;

select tests.staff() as coordinator \gset
select tests.staff('admin') as admin \gset
select tests.chapter(:'coordinator') as north \gset
select tests.chapter(:'coordinator') as south \gset
select tests.chapter() as west \gset
select tests.chapter(:'coordinator', tests.organisation()) as theirs \gset

select is(pg_temp.chapters(:'coordinator'), tests.sorted(:'north', :'south'), 'a coordinator has the chapters of her organisation that name her, with mentors or without');
select is(pg_temp.chapters(:'admin'), '{}', 'an admin coordinates none, and sees them for another reason');
select is(pg_temp.chapters(gen_random_uuid()), '{}', 'somebody unknown has none');
select is(pg_temp.chapters(null), '{}', 'nor somebody without an id');
select tests.placed(:'west', tests.mentor());
select is(pg_temp.chapters(:'coordinator'), tests.sorted(:'north', :'south'), 'those of others are not hers');
delete from public.staff where user_id = :'coordinator';
select is(pg_temp.chapters(:'coordinator'), '{}', 'who is not staff has none');

select * from finish();
rollback;
