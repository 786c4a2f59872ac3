"""The report while a run goes on: what has changed, and a server for this machine alone."""
