"""One file per verb: read → compute → write.

Pages, the command line, tests and workers all call the same functions through `execute`.
"""

from __future__ import annotations

from latentcore.workflows._verbs import VERBS, Verb, as_plain, execute

__all__ = ["VERBS", "Verb", "as_plain", "execute"]
