"""Every Python child of a test imports this before anything else: it knows the toy verbs."""

import os
import sys
import time

if "latentcore.jobs.worker" in sys.orig_argv:
    import toy_verbs

    toy_verbs.register()

    if "TOY_HELD" in os.environ:
        toy_verbs.hold(os.environ["TOY_HELD"], os.environ["TOY_GATE"])

    if "TOY_WARM_SECONDS" in os.environ:
        from latentcore.analysis import projection

        projection.warm_up = lambda: time.sleep(float(os.environ["TOY_WARM_SECONDS"]))
