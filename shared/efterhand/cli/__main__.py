"""`python -m efterhand.cli`."""

from efterhand.cli import main

main()
