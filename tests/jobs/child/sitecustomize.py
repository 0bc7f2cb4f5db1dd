"""Every Python child of a test imports this before anything else: it knows the toy verbs."""

import os
import sys
import time
import types
from importlib.machinery import ModuleSpec

if "latentcore.jobs.worker" in sys.orig_argv:
    import toy_verbs

    toy_verbs.register()

if "TOY_WARM_SECONDS" in os.environ:
    name = "latentcore.analysis.projection"
    projection = types.ModuleType(name)
    projection.__spec__ = ModuleSpec(name, None)
    projection.warm_up = lambda: time.sleep(float(os.environ["TOY_WARM_SECONDS"]))
    sys.modules[name] = projection
