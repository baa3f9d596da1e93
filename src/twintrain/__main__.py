"""`python -m twintrain` is the command `twintrain`."""

import sys

from twintrain.command.main import main

if __name__ == "__main__":
    sys.exit(main())
