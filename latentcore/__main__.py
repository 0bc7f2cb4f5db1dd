"""``python -m latentcore <verb>``."""

from __future__ import annotations

import sys

from latentcore.cli import main

sys.exit(main())
