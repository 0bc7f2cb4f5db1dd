"""``python -m latentcore <verb>``."""

from __future__ import annotations

import sys

try:
    from latentcore.cli import main
except KeyboardInterrupt:  # the imports take the first half second
    print("Cancelled.", file=sys.stderr)
    sys.exit(130)

sys.exit(main())
