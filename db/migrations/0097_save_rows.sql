-- save_transactions() takes the rows of its pages as an array of their own, too; their old forms would be ambiguous beside the new ones.
drop function if exists app_private.save_transactions(json);
drop function if exists app_private.judge_pages(json);
