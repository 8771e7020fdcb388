-- judged_page: one page of a call of save_transactions, taken apart and compared with what is stored.
create type app_private.judged_page as (
  nth bigint,
  verdict text,
  account_id uuid,
  run_id bigint,
  epoch integer,
  user_id uuid,
  source app_public.transaction_source,
  page integer,
  from_day date,
  to_day date,
  rows app_private.incoming_transaction[],
  ids text[],
  has_windows boolean,
  settles boolean,
  settled_days daterange,
  polled json,
  transactions_task text,
  seen integer,
  fresh integer,
  changed integer,
  missing integer
);

-- save_page() takes a judged page now.
drop function if exists app_private.save_page(json);

-- schedule() may be told an activity, lease_details() who waits and who may refresh.
drop function if exists app_private.schedule(uuid, timestamptz);
drop function if exists app_private.lease_details(uuid[]);
