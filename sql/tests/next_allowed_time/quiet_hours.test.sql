begin;
select plan(12);

select is(
  scheduler.next_allowed_time(wanted => wanted, zone => zone, quiet_start => quiet_start, quiet_end => quiet_end),
  allowed,
  rule
)
from (
  values
    (timestamptz '2026-03-10 20:59:59.999999+01', 'Europe/Oslo', time '21:00', time '08:00', timestamptz '2026-03-10 20:59:59.999999+01', 'the last microsecond before quiet hours is allowed'),
    ('2026-03-10 21:00+01', 'Europe/Oslo', '21:00', '08:00', '2026-03-11 08:00+01', 'the start belongs to quiet hours'),
    ('2026-03-11 08:00+01', 'Europe/Oslo', '21:00', '08:00', '2026-03-11 08:00+01', 'the end does not belong to quiet hours'),
    ('2026-03-10 22:00+01', 'Europe/Oslo', '21:00', '00:00', '2026-03-11 00:00+01', 'quiet hours may end at midnight'),
    ('2026-03-10 02:00+01', 'Europe/Oslo', '00:00', '06:00', '2026-03-10 06:00+01', 'quiet hours may start at midnight'),
    ('2026-03-10 03:00+01', 'Europe/Oslo', '08:00', '08:00', '2026-03-10 03:00+01', 'equal bounds are no quiet hours'),
    ('2026-03-10 03:00+01', 'Europe/Oslo', null, '08:00', '2026-03-10 03:00+01', 'without a start there are no quiet hours'),
    ('2026-03-10 03:00+01', 'Europe/Oslo', '21:00', null, '2026-03-10 03:00+01', 'without an end there are no quiet hours'),
    ('2026-03-29 01:30+01', 'Europe/Oslo', '21:00', '08:00', '2026-03-29 08:00+02', 'in spring the night is an hour shorter'),
    ('2026-10-25 01:30+02', 'Europe/Oslo', '21:00', '08:00', '2026-10-25 08:00+01', 'in autumn the night is an hour longer'),
    ('2026-03-10 03:00+01', 'Asia/Kathmandu', '21:00', '08:00', '2026-03-10 08:00+05:45', 'zones may be off by quarters of an hour'),
    ('2026-03-10 03:00+01', 'Pacific/Kiritimati', '21:00', '08:00', '2026-03-10 16:00+14', 'it may be day on the other side of the date line')
) as moment (wanted, zone, quiet_start, quiet_end, allowed, rule);

select * from finish();
rollback;
