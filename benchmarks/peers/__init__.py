"""prprep against the tools that people compare two commits with today."""
