-- Whom the next night looks at when what an organisation requires changes.

begin;
select plan(6);
select tests.organisation() as own \gset
select tests.organisation() as theirs \gset
select tests.mentor(organisation_id => :'own') as active \gset
select tests.mentor(organisation_id => :'own') as paused \gset
select tests.mentor(organisation_id => :'own') as inactive \gset
select tests.mentor(organisation_id => :'theirs') as stranger \gset
select tests.given('paused', :'paused'), tests.given('inactive', :'inactive');
create function pg_temp.noted_by(statement text) returns uuid[] language plpgsql as $$
begin
  delete from scheduler.certification_checks;
  execute statement;
  return (select coalesce(array_agg(user_id order by user_id), '{}') from scheduler.certification_checks);
end;
$$;

select is(
  pg_temp.noted_by(format($$ insert into scheduler.required_certifications values (%L, 'driving') $$, :'own')), tests.sorted(:'active', :'paused'),
  'a requirement that is new has the organisation''s mentors looked at, but those who are inactive'
);
select is(pg_temp.noted_by($$ update scheduler.required_certifications set name = 'first aid' $$), tests.sorted(:'active', :'paused'), 'so has one that becomes another');
select is(
  pg_temp.noted_by(format($$ update scheduler.required_certifications set organisation_id = %L $$, :'theirs')),
  tests.sorted(:'active', :'paused', :'stranger'), 'one that goes to another organisation has the mentors of both looked at'
);
select is(pg_temp.noted_by('delete from scheduler.required_certifications'), array[:'stranger'::uuid], 'one that is taken away has its organisation''s');
select is(
  pg_temp.noted_by(format($$ insert into scheduler.required_certifications values (%L, 'driving'), (%L, 'driving') $$, :'own', :'theirs')),
  tests.sorted(:'active', :'paused', :'stranger'), 'of a statement all'
);
select is(pg_temp.noted_by('delete from scheduler.required_certifications where false'), '{}', 'what changes nothing has nobody looked at');

select * from finish();
rollback;
