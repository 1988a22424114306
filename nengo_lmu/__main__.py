"""``python -m nengo_lmu`` is ``nengo-lmu``."""

import sys

from nengo_lmu.cli import main

if __name__ == "__main__":
    sys.exit(main())
