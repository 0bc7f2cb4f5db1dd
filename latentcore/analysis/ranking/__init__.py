"""Which latent dimensions follow a reference map, by seven metrics.

A module whose name doesn't start with an underscore holds a family of metrics, or what is done
with all of them; adding a metric is registering a class in `METRICS`.
"""

from __future__ import annotations

from latentcore.analysis.ranking._metric import METRICS, Metric, Pairs, metric_names
from latentcore.analysis.ranking.ranking import rank

__all__ = ["METRICS", "Metric", "Pairs", "metric_names", "rank"]
