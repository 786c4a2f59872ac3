"""Code that runs in the target's interpreter: standard library only, Python 3.9 or newer, imported by nothing of ours."""
