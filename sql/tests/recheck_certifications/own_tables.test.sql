-- For a project whose certifications are in a table without triggers of this one.

begin;
select plan(4);
select tests.requires();
select tests.mentor() as mentor \gset
create schema app;
create table app.course (person uuid, title text, valid_until date);
create or replace view scheduler.held_certification as
select course.person as user_id, course.title as name, course.valid_until as expires_on, null::timestamptz as revoked_at from app.course as course;
insert into app.course values (:'mentor', 'certification', '2026-03-10');

select tests.night('2026-03-09');
select is(tests.status_after(:'mentor', '2026-03-11'), 'paused', 'what runs out there is seen by its day');
update app.course set valid_until = '2027-03-10';
select is(tests.status_after(:'mentor', '2026-03-12'), 'paused', 'what is renewed there is not noted by itself');
select scheduler.recheck_certifications();
select is(tests.status_after(:'mentor', '2026-03-13'), 'active', 'but seen when everybody is looked at again');
select is_empty('select * from scheduler.certification_checks', 'once');

select * from finish();
rollback;
