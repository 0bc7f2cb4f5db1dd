"""Logistic regression: the linear probe."""

from __future__ import annotations

import warnings
from dataclasses import asdict, dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.parameters import check_at_least, check_choice, parameter
from latentcore.analysis.probes import (
    PROBES,
    WEIGHTS,
    Arrays,
    FittedProbe,
    Probabilities,
    floats,
    softmax,
)


@PROBES.register("logistic")
@dataclass(frozen=True)
class LogisticProbe:
    """Multinomial logistic regression on standardized latents.

    Mean and s.d. are those of the training samples. The solver is scikit-learn's L-BFGS with an
    L2 penalty; everything else is its default.

    Source: Alain and Bengio, *Understanding intermediate layers using linear classifier probes*,
    ICLR workshop 2017.
    """

    name: ClassVar[str] = "logistic"
    title: ClassVar[str] = "Logistic regression"
    features: ClassVar[str] = (
        "latent dimensions, each with zero mean and unit s.d. over the training samples"
    )

    c: float = parameter(
        1.0, help="inverse strength of the L2 penalty, scikit-learn's C", convert=float, minimum=0.0
    )
    max_iter: int = parameter(1000, help="most steps of the solver", convert=int, minimum=1)
    class_weight: str = parameter(
        "none", help="balanced: rare classes count as much as frequent ones", choices=WEIGHTS
    )

    def __post_init__(self) -> None:
        check_at_least("c", self.c, 0, open_end=True)
        check_at_least("max_iter", self.max_iter, 1)
        check_choice("class_weight", self.class_weight, WEIGHTS)

    def fit(self, values: NDArray[np.float64], labels: NDArray[np.int64]) -> FittedProbe:
        """Fit the scaler and the regression; see `latentcore.analysis.probes.Probe`."""
        import sklearn
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        regression = LogisticRegression(
            C=self.c,
            max_iter=self.max_iter,
            class_weight=None if self.class_weight == "none" else self.class_weight,
        )
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ConvergenceWarning)
            model = make_pipeline(StandardScaler(), regression).fit(values, labels)
        stopped = any(issubclass(one.category, ConvergenceWarning) for one in caught)
        note = (
            f"The regression had not converged after {self.max_iter} steps: its figures are "
            "those of where it stopped. Allow more with --max-iter, or lower --c."
        )
        return FittedProbe(
            classes=model.classes_.astype(np.int64),
            probabilities=model.predict_proba,
            parameters={**asdict(self), "iterations": int(regression.n_iter_.max())},
            arrays={
                "mean": model[0].mean_,
                "scale": model[0].scale_,
                "coefficients": regression.coef_,
                "intercepts": regression.intercept_,
            },
            engine=f"scikit-learn {sklearn.__version__}",
            notes=(note,) if stopped else (),
        )

    @staticmethod
    def restored(arrays: Arrays, n_classes: int, n_features: int) -> Probabilities:
        """Return the softmax of the regression; see `latentcore.analysis.probes.Probe`."""
        lines = 1 if n_classes == 2 else n_classes
        mean = floats(arrays, "mean", (n_features,))
        scale = floats(arrays, "scale", (n_features,))
        coefficients = floats(arrays, "coefficients", (lines, n_features))
        intercepts = floats(arrays, "intercepts", (lines,))
        return lambda values: softmax((values - mean) / scale @ coefficients.T + intercepts)
