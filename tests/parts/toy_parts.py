"""One file for each kind of part: where it goes, and what stands in it."""

from __future__ import annotations

__all__ = ["PARTS"]

_ROWS = '''
from pathlib import Path
import numpy as np
from latentcore.storage import local_path
from latentcore.containers import *


class Toy:
    """Rows of numbers below a first line that says what they are."""
    description, wants = "Toy {kind}.", "a first line 'toy {kind}'"

    def recognizes(self, peek):
        return peek.head.startswith(b"toy {kind}")

    def open(self, ref):
        path = Path(local_path(ref.location))
        numbers = np.loadtxt(path, skiprows=1, dtype=np.float32, ndmin=2)
        {body}
'''


def _reader(kind: str, family: str, body: str) -> str:
    filled = _ROWS.replace("{kind}", kind).replace("{body}", body)
    return f"{filled}\n\nfrom latentcore.readers import {family}\n{family}.register('toy')(Toy())\n"


PARTS = {
    "latentcore/readers/samples/toy.py": _reader(
        "samples",
        "SAMPLES_READERS",
        """from latentcore.readers._rows import RowsSource
        class Rows:
            dtype, sample_shape = numbers.dtype, (1, 4, numbers.shape[1] // 4)
            block_rows, closed = 16, False
            def __len__(self): return len(numbers)
            def read(self, rows): return numbers[rows].reshape(-1, *self.sample_shape)
            def close(self): pass
        return RowsSource(ref=ref, paths=(path,), rows=Rows(),
                          sample_ids=default_sample_ids(len(numbers)))""",
    ),
    "latentcore/readers/latents/toy.py": _reader(
        "latents",
        "LATENTS_READERS",
        """x, y = np.arange(len(numbers)) % 6, np.arange(len(numbers)) // 6
        return LatentSet(numbers, default_sample_ids(len(numbers)),
                         np.arange(numbers.shape[1], dtype=np.int32), ref=ref, fingerprint="toy",
                         grid=ScanGrid.from_coordinates(x, y))""",
    ),
    "latentcore/readers/maps/toy.py": _reader(
        "maps",
        "MAPS_READERS",
        """x, y = np.arange(len(numbers)) % 6, np.arange(len(numbers)) // 6
        return ScanMaps(numbers[:, :1].T.copy(), ("toy",), ("",), ScanGrid.from_coordinates(x, y),
                        ref=ref, fingerprint="toy")""",
    ),
    "latentcore/readers/tables/toy.py": _reader(
        "table",
        "TABLES_READERS",
        """return SampleTable(numbers[:, :1].T.astype(float), ("toy",), ("",),
                           default_sample_ids(len(numbers)), ref=ref, fingerprint="toy")""",
    ),
    "latentcore/analysis/clusterers/toy.py": """
from dataclasses import dataclass
import numpy as np
from latentcore.analysis.clusterers import CLUSTERERS, ClusterFit
from latentcore.analysis.parameters import parameter


@CLUSTERERS.register("toy")
@dataclass(frozen=True)
class ToyClusters:
    name, title = "toy", "Toy"
    toy_bins: int = parameter(2, help="how many", convert=int, minimum=1)

    def fit(self, values, progress):
        labels = (np.arange(len(values)) % self.toy_bins).astype(np.int32)
        return ClusterFit(labels, {"toy_bins": self.toy_bins},
                          {"criterion": None, "value": None}, "toy 1")
""",
    "latentcore/analysis/domains/hierarchies/toy.py": """
from dataclasses import dataclass
import numpy as np
from latentcore.analysis.domains.hierarchies import HIERARCHIES, Merges
from latentcore.analysis.parameters import parameter


@HIERARCHIES.register("toy")
@dataclass(frozen=True)
class ToyMerges:
    title = "Toy"
    toy_height: float = parameter(1.0, help="of all merges", convert=float)

    def merges(self, values, edges, progress):
        from scipy.sparse import coo_matrix
        from scipy.sparse.csgraph import minimum_spanning_tree
        n = edges.n_points
        tree = minimum_spanning_tree(coo_matrix((np.ones(len(edges)), (edges.a, edges.b)), (n, n)))
        one, other = (ends.astype(np.int32) for ends in tree.nonzero())
        return Merges(one, other, np.full(len(one), self.toy_height))
""",
    "latentcore/analysis/ranking/toy.py": """
import numpy as np
from latentcore.analysis.ranking import METRICS


@METRICS.register("toy")
class ToyMetric:
    name, title, undefined = "toy", "Toy", ""
    absolute, place, stage, bounds = False, 99, 0, (0.0, 1.0)

    def score(self, pairs, tick):
        return np.full(len(pairs.latents), 0.5)
""",
    "latentcore/analysis/probes/toy.py": """
from dataclasses import dataclass
import numpy as np
from latentcore.analysis.parameters import parameter
from latentcore.analysis.probes import PROBES, FittedProbe


@PROBES.register("toy")
@dataclass(frozen=True)
class ToyProbe:
    name, title, features = "toy", "Toy", "nothing"
    toy_weight: float = parameter(1.0, help="of nothing", convert=float)

    def fit(self, values, labels):
        classes = np.unique(labels).astype(np.int64)
        even = lambda x: np.full((len(x), len(classes)), 1 / len(classes))
        return FittedProbe(classes, even, {}, {"toy_weight": self.toy_weight}, "toy 1")

    @staticmethod
    def restored(arrays, n_classes, n_features):
        return lambda x: np.full((len(x), n_classes), 1 / n_classes)
""",
    "latentcore/analysis/projections/toy.py": """
from dataclasses import dataclass
import numpy as np
from latentcore.analysis.parameters import parameter
from latentcore.analysis.projections import PROJECTIONS
from latentcore.containers import Embedding


@PROJECTIONS.register("toy")
@dataclass(frozen=True)
class ToyProjection:
    note, metric = "It shows nothing.", "euclidean"
    toy_scale: float = parameter(1.0, help="of both axes", convert=float)

    def embed(self, latents, progress):
        values = np.ascontiguousarray(latents.values[:, :2] * self.toy_scale)
        return Embedding(values, latents.sample_ids, "toy", {"toy_scale": self.toy_scale}, "toy 1")
""",
    "latentcore/preparation/steps/toy_clip.py": """
import numpy as np
from latentcore.preparation.steps import STEPS


class Clip:
    form, help, default, choices, stage = "LIMIT", "Values beyond are cut", 0.0, (), "scaled"

    def read(self, text):
        return float(text)

    def apply(self, x, value):
        return np.clip(x, -value, value)


STEPS.register("toy_clip")(Clip())
""",
    "latentcore/encoders/toy_vae.py": """
import math
from dataclasses import replace
import torch
from torch import nn
from latentcore.encoders import ENCODERS
from latentcore.encoders.training_plan import Preset, TrainingPlan
from latentcore.encoders.vae import VaeEncoder, VaeNetwork, fill
from latentcore.preparation import Preparation


class ToyVae(VaeNetwork):
    family = "toy-vae"

    def __init__(self, size, latent_dim):
        super().__init__()
        self.size, self.latent_dim = size, latent_dim
        self.both = nn.Linear(math.prod(size), 2 * latent_dim)
        self.back = nn.Linear(latent_dim, math.prod(size))

    def means(self, x):
        return self.encode(x)[0]

    def encode(self, x):
        return self.both(x.flatten(1)).chunk(2, dim=1)

    def decode(self, z):
        return self.back(z).view(len(z), 1, *self.size)

    def tile(self, device):
        return 8

    @property
    def architecture(self):
        return {"latent_dim": self.latent_dim}


class ToyVaeFamily:
    description, wants = "Two layers.", "'both.weight' and 'back.weight'"
    presets = {"toy": Preset("toy-vae", 2, TrainingPlan(1, 8, 1e-3), Preparation(), title="Toy")}

    def recognizes(self, checkpoint):
        return {"both.weight", "back.weight"} <= set(checkpoint.tensors)

    def load(self, checkpoint, device, input_shape):
        size = (checkpoint.input_shape or input_shape)[1:]
        network = fill(lambda: ToyVae(size, checkpoint.tensors["back.weight"].shape[1]),
                       checkpoint.tensors, checkpoint)
        return VaeEncoder(network, preparation=checkpoint.preparation, device=device,
                          static_background=checkpoint.static_background)

    def build(self, size, latent_dim, architecture, components):
        return ToyVae(size, latent_dim, **architecture)


ENCODERS.register("toy-vae")(ToyVaeFamily())
""",
    "latentcore/workflows/toy_count.py": """
from dataclasses import dataclass
from latentcore.readers import open_latents
from latentcore.requests.verbs import option, verb


@dataclass(frozen=True)
class ToyRequest:
    latents: str = option(help="what to count", positional=True, kind="latents")
    times: int = option(1, help="how often", convert=int)


@verb("toy-count", "Count latents.", ToyRequest)
def run(request, folder, progress):
    count = len(open_latents(request.latents)) * request.times
    folder.write_json("report.json", {"count": count})
    return {"count": count}
""",
    "latentcore/outputs/exports/toy.py": """
from latentcore.outputs.exports import EXPORT_FORMATS


class ToyFormat:
    title, opens_in, one_map = "Toy (.toy)", "nothing", False

    def write(self, folder, stem, scan):
        folder.write_bytes(f"{stem}.toy", repr(scan.labels[0].values.tolist()).encode())
        return ["a toy"]


EXPORT_FORMATS.register("toy")(ToyFormat())
""",
    "latentcore/workflows/batch/executors/toy.py": """
from latentcore.workflows.batch.executors import EXECUTORS
from latentcore.workflows.batch.executors.local import local


@EXECUTORS.register("toy")
def toy(*, scheduler, workers):
    return local(scheduler=None, workers=1)
""",
    "pages/tasks/toy_page/toy_page.py": """
import streamlit as st

st.title("Toy page")
""",
}
