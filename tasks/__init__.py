"""prprep: turn finished optimizations into ready-to-merge performance pull requests."""

__version__ = "0.1.0"
