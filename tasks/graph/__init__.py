"""The room that knows doit: what it asks for freshness, how it reports, where its tasks come from."""
