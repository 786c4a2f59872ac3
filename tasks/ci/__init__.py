"""A comparison in CI: which pull request it is, whether to measure it, its summary, and its comment."""
