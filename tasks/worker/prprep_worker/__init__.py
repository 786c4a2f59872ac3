"""Code that runs in the project's interpreter: standard library only, Python 3.9 or newer, never imported by ours."""
