"""The options of a nenya training: a JSON file, or what lies beside the weights.

Names changed between the papers; here each has its newest. What is unknown is kept. The derived
names are those of nenya's ``option_preprocess``
(github.com/AI-for-Ocean-Science/nenya, ``nenya/train_util.py``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from latentcore.errors import CheckpointError, RequestError, cause

_LARGEST_FILE = 1 << 20
# Of the first paper, and of the versions between.
_RENAMED = {
    "batch_size": "batch_size_train",
    "valid_batch_size": "batch_size_valid",
    "model": "ssl_model",
    "method": "ssl_method",
    "data_key": "train_key",
    "eval_key": "valid_key",
    "random_jitter": "random_cropjitter",
    "modis_data": "nenya_data",
}
_NAME = (
    "{ssl_method}_{ssl_model}_lr_{learning_rate}_decay_{weight_decay}_bsz_{batch_size_train}"
    "_temp_{temp}_trial_{trial}"
)
# Above this nenya always warms up.
_LARGE_BATCH = 256


@dataclass(frozen=True)
class NenyaOptions:
    """Options, with the newest names.

    Attributes
    ----------
    values : Mapping of str to object
        JSON-like; ``lr_decay_epochs`` is a list of whole numbers. ``model_name``,
        ``model_folder`` and ``latents_folder`` are there where all they are made of is.
    source : str
        Where they come from, for messages.
    """

    values: Mapping[str, Any]
    source: str = "the options"

    @classmethod
    def read(cls, path: Path) -> NenyaOptions:
        """Read a JSON file.

        Raises
        ------
        RequestError
            If it is no JSON object, or a value can't be used.
        """
        if path.stat().st_size > _LARGEST_FILE:
            message = f"The options {path.name!r} have {path.stat().st_size:,} bytes: no options."
            raise RequestError(message)
        try:
            values = json.loads(path.read_text(encoding="utf-8-sig"))
        except (OSError, ValueError, RecursionError) as error:
            message = (
                f"The options {path.name!r} can't be read as JSON: {cause(error)}. Check the file."
            )
            raise RequestError(message) from error
        if not isinstance(values, dict):
            message = (
                f"The options {path.name!r} hold a {type(values).__name__}; nenya's are an object "
                'with keys such as "ssl_model" and "feat_dim".'
            )
            raise RequestError(message)
        return cls.parse(values, source=repr(path.name))

    @classmethod
    def parse(cls, values: Mapping[str, Any], source: str = "the options") -> NenyaOptions:
        """Give the options their newest names, and derive what nenya derives.

        A value under its newest name wins over one under an old name.

        Raises
        ------
        RequestError
            If a value can't be used.
        """
        renamed = {_RENAMED.get(name, name): value for name, value in values.items()}
        renamed |= {name: value for name, value in values.items() if name not in _RENAMED}
        if "lr_decay_epochs" in renamed:
            renamed["lr_decay_epochs"] = _epochs(renamed["lr_decay_epochs"], source)
        for name, value in _derived(renamed).items():
            if renamed.get(name) is None:
                renamed[name] = value
        options = cls(renamed, source)
        _ = (options.feat_dim, options.n_channels, options.crop)  # refuse what can't be used
        return options

    @property
    def partitions(self) -> tuple[str, ...]:
        """Names of the training's datasets, where the options give them."""
        names = (self.values.get(key) for key in ("train_key", "valid_key"))
        return tuple(dict.fromkeys(name for name in names if isinstance(name, str) and name))

    @property
    def depth(self) -> str | None:
        """Which ResNet, such as ``"resnet50"``."""
        depth = self.values.get("ssl_model")
        return depth if isinstance(depth, str) else None

    @property
    def feat_dim(self) -> int | None:
        """Number of latent dimensions."""
        return self._count("feat_dim", self.values.get("feat_dim"))

    @property
    def n_channels(self) -> int | None:
        """Channels of the input; the first paper's options don't give them."""
        return self._count("nchannels", self.values.get("nchannels"))

    @property
    def crop(self) -> int | None:
        """Side of the central crop that the training saw, in pixels; ΔT is taken over it."""
        pair = self.values.get("random_cropjitter")
        if not isinstance(pair, list | tuple) or len(pair) == 0:
            return None  # 0 where nothing was cropped
        return self._count("random_cropjitter", pair[0])

    def refuse_other_model(self, *, depth: str, latent_dim: int, channels: int) -> None:
        """Check that a loaded network is the one that these options are about.

        Raises
        ------
        CheckpointError
            If not.
        """
        pairs = (
            ("ssl_model", self.depth, depth),
            ("feat_dim", self.feat_dim, latent_dim),
            ("nchannels", self.n_channels, channels),
        )
        wrong = [
            f"{name} {wanted!r}, the checkpoint {found!r}"
            for name, wanted, found in pairs
            if wanted is not None and wanted != found
        ]
        if wrong:
            message = (
                f"{self.source} and the checkpoint are of different models: the options say "
                f"{'; '.join(wrong)}. Give the options that the model was trained with, or none."
            )
            raise CheckpointError(message)

    def _count(self, name: str, value: object) -> int | None:
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            message = f"{self.source}: {name} is {value!r}; it must be a whole number above 0."
            raise RequestError(message)
        return value


def _epochs(value: object, source: str) -> object:
    """Return ``"700, 800, 900"`` as whole numbers; a list stays one."""
    try:
        if isinstance(value, str):
            return [int(epoch) for epoch in value.split(",") if epoch.strip()]
        if isinstance(value, list | tuple):
            return [int(epoch) for epoch in value]
    except (ValueError, TypeError) as error:
        message = (
            f"{source}: lr_decay_epochs is {value!r}; it must be whole numbers, as in "
            '"700, 800, 900".'
        )
        raise RequestError(message) from error
    return value


def _derived(values: Mapping[str, Any]) -> dict[str, str]:
    try:
        name = _NAME.format_map(values)
    except (KeyError, ValueError):
        return {}
    if values.get("cosine"):
        name += "_cosine"
    batch = values["batch_size_train"]
    if values.get("warm") or (isinstance(batch, int) and batch > _LARGE_BATCH):
        name += "_warm"
    derived = {"model_name": name}
    if isinstance(root := values.get("model_root"), str):
        derived |= {"model_folder": f"models/{root}/{name}"}
        derived |= {"latents_folder": f"latents/{root}/{name}"}
    return derived
