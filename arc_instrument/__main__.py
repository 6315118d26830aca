"""`python -m arc_instrument`: the same as the command."""

from arc_instrument.cli import main

if __name__ == "__main__":
    main()
