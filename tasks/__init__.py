"""prprep: from optimizations that were kept to pull requests that can be merged."""

__version__ = "0.1.0"
