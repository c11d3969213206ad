"""``python -m qproxy``: the command line."""

import sys

from qproxy.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
