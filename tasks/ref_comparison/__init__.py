"""A comparison of refs without a manifest of the user's: what `prprep try` resolves, writes, shows and saves."""
