"""prprep compared with other tools that compare two commits."""
