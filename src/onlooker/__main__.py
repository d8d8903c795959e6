"""`python -m onlooker` is the `onlooker` command."""

from onlooker.cli import main

main()
