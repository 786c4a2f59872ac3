"""`python -m tasks` in a checkout, `python -m prprep` where it is installed."""

from .cli import main

main()
