begin;
select plan(20);
select tests.mentor() as mentor \gset
select tests.mentor() as other \gset

create function pg_temp.written(variadic items jsonb[]) returns bigint language sql as $$ select scheduler.write_certifications(to_jsonb(items)) $$;
create function pg_temp.item(external_id text, mentor uuid, expires_on date default null, removed boolean default false, name text default 'driving') returns jsonb language sql as $$
  select jsonb_build_object('external_id', external_id, 'user_id', mentor, 'name', name, 'expires_on', expires_on, 'removed', removed);
$$;
create function pg_temp.holder(external_id text) returns uuid language sql as $$
  select user_id from public.certifications as certification where certification.external_id = holder.external_id;
$$;

select is(pg_temp.written(pg_temp.item('C1', :'mentor', '2027-05-01'), pg_temp.item('C2', :'mentor')), 2::bigint, 'what is new is written');
select is(tests.held('C1'), 'driving until 2027-05-01', 'with its day');
select is(tests.held('C2'), 'driving without limit', 'or without limit');
select is(pg_temp.written(pg_temp.item('C1', :'mentor', '2027-05-01'), pg_temp.item('C2', :'mentor')), 0::bigint, 'what is as it was is not written');
select is(pg_temp.written(pg_temp.item('C1', :'mentor', '2028-05-01'), pg_temp.item('C2', :'mentor')), 1::bigint, 'what changed is');
select is(tests.held('C1'), 'driving until 2028-05-01', 'with another day');
select pg_temp.written(pg_temp.item('C1', :'mentor', '2028-05-01', name => 'first aid'));
select is(tests.held('C1'), 'first aid until 2028-05-01', 'with another name');
select pg_temp.written(pg_temp.item('C1', :'mentor', name => 'first aid'));
select is(tests.held('C1'), 'first aid without limit', 'without its day');
select pg_temp.written(pg_temp.item('C1', :'other', name => 'first aid'));
select is(pg_temp.holder('C1'), :'other', 'or for another mentor');
select is((select count(*) from public.certifications), 2::bigint, 'no row is doubled');

-- Removed.
select is(pg_temp.written(pg_temp.item('C1', :'other', removed => true)), 1::bigint, 'what is removed there is revoked here');
select is(tests.held('C1'), 'first aid without limit revoked', 'and keeps all else');
select is((select revoked_at from public.certifications where external_id = 'C1'), now(), 'from now on');
update public.certifications set revoked_at = '2026-01-01' where external_id = 'C1';
select is(pg_temp.written(pg_temp.item('C1', :'other', removed => true)), 0::bigint, 'once');
select is((select revoked_at from public.certifications where external_id = 'C1'), '2026-01-01', 'since it was');
select is(pg_temp.written(pg_temp.item('C3', null, removed => true)), 0::bigint, 'what is not known can''t be');
select is(pg_temp.written(pg_temp.item('C1', :'other', name => 'first aid')), 1::bigint, 'what comes back');
select is(tests.held('C1'), 'first aid without limit', 'is revoked no more');

-- Certifications that no portal knows.
select tests.certified(:'mentor', 'by hand');
select pg_temp.written(pg_temp.item('C2', :'mentor', removed => true));
select is((select count(*) from public.certifications where revoked_at is null and external_id is null), 1::bigint, 'one that was written by hand stays as it is');
select is(scheduler.write_certifications('[]'), 0::bigint, 'nothing is nothing');

select * from finish();
rollback;
