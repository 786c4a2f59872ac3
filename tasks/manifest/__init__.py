"""The manifest: what a user writes, as frozen models, and how it is read from YAML."""
