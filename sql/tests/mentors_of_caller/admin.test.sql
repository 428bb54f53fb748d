begin;
select plan(10);

select tests.organisation() as own \gset
select tests.organisation() as other \gset
select tests.staff('admin', :'own') as admin \gset
select tests.staff('admin', :'other') as theirs \gset
select tests.mentor(organisation_id => :'own') as first \gset
select tests.mentor(organisation_id => :'own') as second \gset
select tests.mentor(organisation_id => :'other') as stranger \gset
update public.peer_mentors set status = 'inactive' where id = :'second';
select tests.placed(tests.chapter(null, :'own'), :'second');

select is(tests.reach(:'admin'), tests.sorted(:'first', :'second'), 'an admin reaches everybody of the own organisation, whoever follows them up');
select is(tests.reach(:'theirs'), array[:'stranger']::uuid[], 'and nobody of another');
select is(tests.reach(:'admin', 'admin'), tests.sorted(:'first', :'second'), 'that is the reach of the admin');
select is(tests.reach(:'admin', 'coordinator'), '{}', 'as coordinator an admin reaches nobody who is not followed up');

-- An admin who also follows mentors up.
select tests.assigned(:'admin', :'first');
select is(tests.reach(:'admin', 'coordinator'), array[:'first']::uuid[], 'an admin may follow mentors up too');
select is(tests.reach(:'admin'), tests.sorted(:'first', :'second'), 'and reaches each once');
update public.staff set role = 'coordinator' where user_id = :'admin';
select is(tests.reach(:'admin'), array[:'first']::uuid[], 'who is an admin no longer keeps those whom she follows up');
select is(tests.reach(:'admin', 'admin'), '{}', 'and none by virtue of a role that she has lost');
select is(tests.reach(:'admin', 'nobody'), '{}', 'a role that there is not reaches nobody');

update public.peer_mentors set organisation_id = :'own' where id = :'stranger';
select is(tests.reach(:'theirs'), '{}', 'a mentor who left the organisation is out of reach');

select * from finish();
rollback;
