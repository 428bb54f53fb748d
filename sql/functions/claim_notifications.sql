create or replace function public.claim_notifications(
  batch_size integer,
  lease interval,
  invocation_id uuid
)
returns setof scheduler.claimed_notification
language plpgsql
security definer
set search_path = ''
as $$
declare
  claimed_count integer := 0;
  returned_count integer;
begin
  if batch_size is null or batch_size not between 1 and 10000 then
    raise exception 'batch_size must be between 1 and 10000, not %', coalesce(batch_size::pg_catalog.text, 'null')
      using errcode = 'invalid_parameter_value', hint = 'It is the number of notifications in a page, 500 for example.';
  end if;
  if lease is null or lease <= interval '0' or lease > interval '1 hour' then
    raise exception 'lease must be longer than nothing and at most 1 hour, not %', coalesce(lease::pg_catalog.text, 'null')
      using errcode = 'invalid_parameter_value', hint = 'It is the time in which the page will certainly be sent and recorded, ''2 minutes'' for example.';
  end if;

  if exists (
    select from scheduler.invocations as run
    where run.id = claim_notifications.invocation_id and run.stop_requested_at is not null
  ) then
    return;
  end if;

  -- What is no longer true takes a place in a round, but none in the page. A
  -- page that could be sent does not wait long for the rest.
  loop
    return query
    select taken.*
    from scheduler.take_notifications(
      wanted => batch_size - claimed_count,
      looked_at => batch_size,
      lease => lease,
      invocation_id => invocation_id
    ) as taken;
    get diagnostics returned_count = row_count;
    claimed_count := claimed_count + returned_count;
    exit when claimed_count >= batch_size
      or (claimed_count > 0 and clock_timestamp() - statement_timestamp() > interval '2 seconds');

    perform from scheduler.notifications as notification
    where notification.due_at <= now()
    order by notification.due_at, notification.id
    limit 1
    for update skip locked;
    exit when not found;
  end loop;
end;
$$;

comment on function public.claim_notifications(integer, interval, uuid) is
  'Hands at most batch_size due notifications to a sender, under a lease. What is no longer true is cancelled instead, with the reason. An empty page means that nothing is due which is not in other hands, or that the run was asked to stop.';
