-- Transactions were saved for the first time: one entry an account, with the lowest and the highest new id. Ids of another
-- account may lie between.
create or replace function app_private.tg_transactions__announce() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform app_private.announce('transactions', (
    select array_agg(jsonb_build_array(n.account_id, n.user_id, n.first::text, n.last::text))
    from (
      select c.account_id, c.user_id, min(c.id) as first, max(c.id) as last from changed c group by c.account_id, c.user_id
    ) n
  ));
  return null;
end
$$;
