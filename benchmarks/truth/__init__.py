"""Whether the intervals that prprep reports contain the truth, at any load, beside its peers."""
