"""``python -m latentcore <verb>``."""

from __future__ import annotations

import sys

try:
    from latentcore.cli import main

    status = main()
except KeyboardInterrupt:  # the imports take the first half second, a verb's parser some more
    print("Cancelled.", file=sys.stderr)
    status = 130
sys.exit(status)
