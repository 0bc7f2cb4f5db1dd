"""Boosted trees: a probe that is not linear."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.parameters import check_at_least, check_choice, check_seed, parameter
from latentcore.analysis.probes import (
    PROBES,
    WEIGHTS,
    Arrays,
    FittedProbe,
    Probabilities,
    floats,
    softmax,
)

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingClassifier


_DAMAGED = "its trees are damaged"


@PROBES.register("boosted-trees")
@dataclass(frozen=True)
class BoostedTreesProbe:
    """Gradient boosting on binned latents: scikit-learn's HistGradientBoostingClassifier.

    It never stops early, so that no training sample is set aside.

    Source: Ke et al., *LightGBM: a highly efficient gradient boosting decision tree*, NeurIPS 2017.
    """

    name: ClassVar[str] = "boosted-trees"
    title: ClassVar[str] = "Boosted trees"
    features: ClassVar[str] = "latent dimensions as they are"

    max_iter: int = parameter(100, help="rounds: one tree per class each", convert=int, minimum=1)
    learning_rate: float = parameter(
        0.1, help="how much each round changes", convert=float, minimum=0.0
    )
    max_leaf_nodes: int = parameter(31, help="most leaves of a tree", convert=int, minimum=2)
    class_weight: str = parameter(
        "none", help="balanced: rare classes count as much as frequent ones", choices=WEIGHTS
    )
    seed: int = parameter(0, help="seed of the bins, where there are many samples", convert=int,
                          minimum=0)  # fmt: skip

    def __post_init__(self) -> None:
        check_at_least("max_iter", self.max_iter, 1)
        check_at_least("learning_rate", self.learning_rate, 0, open_end=True)
        check_at_least("max_leaf_nodes", self.max_leaf_nodes, 2)
        check_choice("class_weight", self.class_weight, WEIGHTS)
        check_seed(self.seed)

    def fit(self, values: NDArray[np.float64], labels: NDArray[np.int64]) -> FittedProbe:
        """Grow the trees; see `latentcore.analysis.probes.Probe`."""
        import sklearn
        from sklearn.ensemble import HistGradientBoostingClassifier

        model = HistGradientBoostingClassifier(
            max_iter=self.max_iter,
            learning_rate=self.learning_rate,
            max_leaf_nodes=self.max_leaf_nodes,
            class_weight=None if self.class_weight == "none" else self.class_weight,
            early_stopping=False,
            random_state=self.seed,
        ).fit(values, labels)
        return FittedProbe(
            classes=model.classes_.astype(np.int64),
            probabilities=model.predict_proba,
            parameters=asdict(self),
            arrays=_arrays(model),
            engine=f"scikit-learn {sklearn.__version__}",
        )

    @staticmethod
    def restored(arrays: Arrays, n_classes: int, n_features: int) -> Probabilities:
        """Return what the trees say; see `latentcore.analysis.probes.Probe`."""
        forest = _Forest.read(arrays, 1 if n_classes == 2 else n_classes, n_features)
        return lambda values: softmax(forest.decision(values))


def _arrays(model: HistGradientBoostingClassifier) -> dict[str, NDArray[np.generic]]:
    """Take the trees out of scikit-learn's model, whose own files would be pickles."""
    rounds = model._predictors  # no public way leads to the nodes
    nodes = [tree.nodes for trees in rounds for tree in trees]
    lengths = [len(one) for one in nodes]
    whole = np.concatenate(nodes)
    leaf = whole["is_leaf"].astype(bool)
    child = {
        side: np.where(leaf, -1, whole[side].astype(np.int64)).astype(np.int32)
        for side in ("left", "right")
    }
    return {
        "baseline": np.asarray(model._baseline_prediction, np.float64).ravel(),
        "starts": np.cumsum([0, *lengths[:-1]]).astype(np.int64),
        "feature": np.where(leaf, 0, whole["feature_idx"]).astype(np.int32),
        "threshold": np.where(leaf, 0.0, whole["num_threshold"]).astype(np.float64),
        "value": whole["value"].astype(np.float64),
        **child,
    }


@dataclass(frozen=True, eq=False)
class _Forest:
    """Trees of all rounds, one per class in each; nodes of a tree lie together, root first."""

    baseline: NDArray[np.float64]
    trees: list[slice]
    feature: NDArray[np.int32]
    threshold: NDArray[np.float64]
    value: NDArray[np.float64]
    left: NDArray[np.int32]
    right: NDArray[np.int32]

    @classmethod
    def read(cls, arrays: Arrays, n_trees: int, n_features: int) -> _Forest:
        value = floats(arrays, "value", (-1,))
        n = len(value)
        starts = arrays["starts"].astype(np.int64).ravel()
        left, right, feature = (
            arrays[name].astype(np.int32) for name in ("left", "right", "feature")
        )
        sizes = np.diff([*starts, n])
        if not (len(starts) and starts[0] == 0 and (sizes > 0).all() and sizes.max() <= n):
            raise ValueError(_DAMAGED)
        own = np.arange(n) - np.repeat(starts, sizes)
        size = np.repeat(sizes, sizes)
        inner = left >= 0
        # Children come after their node and within its tree, so every way ends in a leaf.
        sound = (
            len(starts) % n_trees == 0 and len(left) == len(right) == len(feature) == n
            and (inner == (right >= 0)).all()
            and all(((own < side) & (side < size))[inner].all() for side in (left, right))
            and ((feature >= 0) & (feature < n_features)).all()
        )  # fmt: skip
        if not sound:
            raise ValueError(_DAMAGED)
        ends = [*starts[1:].tolist(), n]
        trees = [slice(start, end) for start, end in zip(starts.tolist(), ends, strict=True)]
        baseline = floats(arrays, "baseline", (n_trees,))
        return cls(baseline, trees, feature, floats(arrays, "threshold", (n,)), value, left, right)

    def decision(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the sums over the rounds, (n, trees in each)."""
        classes = len(self.baseline)
        total = np.tile(self.baseline, (len(values), 1))
        for number, tree in enumerate(self.trees):
            total[:, number % classes] += self._leaves(values, tree)
        return total

    def _leaves(self, values: NDArray[np.float64], tree: slice) -> NDArray[np.float64]:
        feature, threshold, left, right = (
            one[tree] for one in (self.feature, self.threshold, self.left, self.right)
        )
        node = np.zeros(len(values), np.int32)
        moving = np.arange(len(values)) if left[0] >= 0 else np.empty(0, np.int64)
        while len(moving):
            at = node[moving]
            goes_left = values[moving, feature[at]] <= threshold[at]
            at = np.where(goes_left, left[at], right[at])
            node[moving] = at
            moving = moving[left[at] >= 0]
        leaves: NDArray[np.float64] = self.value[tree][node]
        return leaves
