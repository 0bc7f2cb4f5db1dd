"""Every Python child of a test imports this before anything else: it knows the toy verbs."""

import os
import sys
import time
from pathlib import Path

if "latentcore.jobs.worker" in sys.orig_argv:
    import toy_verbs

    toy_verbs.register()

    if "TOY_HELD" in os.environ:
        toy_verbs.hold(os.environ["TOY_HELD"], os.environ["TOY_GATE"])

    if "TOY_WARM_GATE" in os.environ:
        from latentcore.analysis import umap_embedding

        def compile_until_the_gate_opens() -> None:
            while not Path(os.environ["TOY_WARM_GATE"]).exists():
                time.sleep(0.02)

        umap_embedding.warm_up = compile_until_the_gate_opens
