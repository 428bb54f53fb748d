begin;
select plan(10);

select tests.organisation(timezone => 'Pacific/Kiritimati') as organisation \gset
select (now() at time zone 'Pacific/Kiritimati')::date as today \gset
select tests.staff('admin', :'organisation') as admin \gset
select tests.mentor(organisation_id => :'organisation') as mentor \gset
select tests.mentor(organisation_id => :'organisation') as other \gset
select tests.certified_until(:'other', :'today'::date + 1);

create function pg_temp.next_expiry(caller uuid, mentor uuid) returns date language plpgsql as $$
declare
  answer date;
begin
  perform tests.as_caller(caller);
  answer := (select next_certification_expiry from public.coordinator_mentor_status() where user_id = mentor);
  reset role;
  return answer;
end;
$$;

select is(pg_temp.next_expiry(:'admin', :'mentor'), null, 'without a certification nothing runs out');
select tests.certified_until(:'mentor', null);
select is(pg_temp.next_expiry(:'admin', :'mentor'), null, 'one that is valid without limit never does');
select tests.certified_until(:'mentor', :'today'::date - 1);
select is(pg_temp.next_expiry(:'admin', :'mentor'), null, 'one that ran out yesterday is not what is next');
select tests.certified_until(:'mentor', :'today'::date + 60) as later \gset
select is(pg_temp.next_expiry(:'admin', :'mentor'), :'today'::date + 60, 'one that will run out is');
select tests.certified_until(:'mentor', :'today'::date + 30) as sooner \gset
select is(pg_temp.next_expiry(:'admin', :'mentor'), :'today'::date + 30, 'of several the first');
update public.certifications set revoked_at = now() where id = :'sooner';
select is(pg_temp.next_expiry(:'admin', :'mentor'), :'today'::date + 60, 'one that was revoked does not count');
select tests.certified_until(:'mentor', :'today') as today_certification \gset
select is(pg_temp.next_expiry(:'admin', :'mentor'), :'today', 'one that runs out today, in the organisation''s zone, does');
update public.certifications set expires_on = :'today'::date - 1 where id = :'today_certification';
select is(pg_temp.next_expiry(:'admin', :'mentor'), :'today'::date + 60, 'one of yesterday there does not, though it is yesterday elsewhere still');
delete from public.certifications where user_id = :'mentor';
select is(pg_temp.next_expiry(:'admin', :'mentor'), null, 'those of others never do');
select tests.certified_until(:'mentor', 'infinity');
select lives_ok(format($$ select pg_temp.next_expiry(%L, %L) $$, :'admin', :'mentor'), 'one that expires at infinity stops no list');

select * from finish();
rollback;
