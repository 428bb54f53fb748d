begin;
select plan(10);

select tests.organisation() as north \gset
select tests.organisation() as south \gset
select tests.staff('admin', :'north') as caller \gset
select tests.staff('coordinator', :'south', id => :'caller');
select tests.staff('admin', :'south') as other \gset
select tests.mentor(organisation_id => :'north') as mentor \gset

create function pg_temp.organisations(caller uuid, variadic role text[] default '{null}') returns uuid[] language plpgsql as $$
begin
  perform set_config('request.jwt.claims', jsonb_build_object('sub', caller, 'role', 'authenticated')::text, true);
  return tests.sorted(variadic scheduler.organisations_of_caller(role[1]));
end;
$$;

select is(pg_temp.organisations(:'caller'), tests.sorted(:'north', :'south'), 'somebody is staff of each organisation that names her, in any role');
select is(pg_temp.organisations(:'caller', 'admin'), array[:'north']::uuid[], 'or in the one that is asked for');
select is(pg_temp.organisations(:'caller', 'coordinator'), array[:'south']::uuid[], 'whichever that is');
select is(pg_temp.organisations(:'other', 'coordinator'), '{}', 'an admin is no coordinator');
select is(pg_temp.organisations(:'caller', 'mentor'), '{}', 'nobody has a role that there is not');
select is(pg_temp.organisations(:'mentor'), '{}', 'a mentor is not staff of her organisation');
select is(pg_temp.organisations(gen_random_uuid()), '{}', 'somebody unknown of none');
select is(pg_temp.organisations(null), '{}', 'somebody without an id neither');
select set_config('request.jwt.claims', '', true);
select is(scheduler.organisations_of_caller(), '{}', 'nor somebody without claims');
select set_config('request.jwt.claims', jsonb_build_object('sub', gen_random_uuid(), 'role', 'admin', 'app_metadata', jsonb_build_object('role', 'admin', 'organisation_id', :'north'))::text, true);
select is(scheduler.organisations_of_caller(), '{}', 'what a token claims beyond its subject makes nobody staff');

select * from finish();
rollback;
