-- What is told of an account's state is a view now (views/account_sync_states.sql), and no longer a function that is called
-- for each account.
drop function if exists app_public.accounts_sync_state(app_public.accounts);
drop type app_public.account_sync_state;
