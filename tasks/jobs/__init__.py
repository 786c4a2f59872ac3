"""Measure an item on another machine: pack what that needs into a file, run the file, collect the result."""
