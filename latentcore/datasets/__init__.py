"""PyTorch ``Dataset`` views: of samples and latents, of features as they were stored.

They carry where to find the data, not an open file: every process that reads, a ``DataLoader``'s
workers among them, opens the file for itself when it reads first. So they can be sent to other
processes and survive a fork.

Examples
--------
>>> from torch.utils.data import DataLoader
>>> from latentcore.datasets import FeatureDataset, LatentDataset, SampleDataset, padded
>>> patterns = SampleDataset("scan.h5", preparation="z_score")  # doctest: +SKIP
>>> batches = DataLoader(patterns, batch_size=64, num_workers=2)  # doctest: +SKIP
>>> kinases = LatentDataset("kinases.npz", target="targets")  # doctest: +SKIP
>>> ragged = FeatureDataset("kinases.npz", split="train")  # doctest: +SKIP
>>> batches = DataLoader(ragged, batch_size=8, collate_fn=padded)  # doctest: +SKIP
"""

from latentcore.datasets.collate import Item, Padded, as_lists, padded
from latentcore.datasets.features import FeatureDataset
from latentcore.datasets.measurements import MeasurementDataset
from latentcore.datasets.views import LatentDataset, SampleDataset

__all__ = [
    "FeatureDataset",
    "Item",
    "LatentDataset",
    "MeasurementDataset",
    "Padded",
    "SampleDataset",
    "as_lists",
    "padded",
]
