"""Everything that knows doit: the loader of its tasks, what is up to date, actions, reports."""
