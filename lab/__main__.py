"""`python -m lab` is the command `errnolab`."""

from lab.cli import main

main()
