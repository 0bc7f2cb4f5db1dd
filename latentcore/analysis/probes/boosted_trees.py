"""Boosted trees: a probe that is not linear."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.parameters import check_at_least, check_choice, check_seed, parameter
from latentcore.analysis.probes import PROBES, WEIGHTS, FittedProbe


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
            engine=f"scikit-learn {sklearn.__version__}",
        )
