"""prprep: turn optimizations already made into ready-to-merge performance pull requests."""

__version__ = "0.1.0"
