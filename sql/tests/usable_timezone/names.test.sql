-- Which names are a time zone to people: those in PostgreSQL's list, and none of the
-- rules and abbreviations that it reads as one too.

begin;
select plan(14);

select is(scheduler.usable_timezone(array[name]), name, format('%s is a zone', name))
from unnest(array['Europe/Oslo', 'America/Argentina/Ushuaia', 'Etc/GMT+5', 'UTC', 'CET', 'Asia/Ust-Nera']) as name;

-- Days would begin at another hour than people's, for half the year or all of it, and nobody be told.
select is(scheduler.usable_timezone(array[name, 'America/Bogota']), 'America/Bogota', rule)
from (
  values
    ('CEST', 'an abbreviation, of one half of the year, is none'),
    ('Foo7', 'a rule that only looks like a name is none'),
    ('+02:00', 'an offset is none'),
    ('Europe/Oslo1', 'a name with a digit too many is none'),
    ('Not/A_Zone', 'a name of nowhere is none'),
    ('', 'nor is a blank one'),
    (null, 'nor is none at all')
) as wrong (name, rule);

select is(scheduler.usable_timezone(array['Foo7', null]), 'Europe/Oslo', 'where none is one, it is the zone of Oslo');

select * from finish();
rollback;
