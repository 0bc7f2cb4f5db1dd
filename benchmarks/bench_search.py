"""Search against the plain numpy way: a matrix-vector product and an argpartition.

    python -m benchmarks.bench_search [rows] [dimensions]

Both run in turn in this process, on the same latents; read the ratio, not the milliseconds. The
plain way is neither exact (it ranks by float32) nor stable in the order of ties.
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np

from latentcore.analysis.similarity import METRICS, SearchTable

K = 50
ROUNDS = 25


def plain(values: np.ndarray, norms: np.ndarray, query: np.ndarray, metric: str) -> np.ndarray:
    products = values @ query
    score = products / norms if metric == "cosine" else 2 * products - norms**2
    best = np.argpartition(-score, K)[: K + 1]
    return best[np.argsort(-score[best])]


def main() -> None:
    n, d = (int(word) for word in (*sys.argv[1:3], "131670", "512")[:2])
    rng = np.random.default_rng(0)
    values = rng.normal(size=(n, d)).astype(np.float32)
    started = time.perf_counter()
    table = SearchTable.of(values)
    prepared = time.perf_counter() - started
    norms = table.norms.astype(np.float32)
    report: dict[str, object] = {"n": n, "d": d, "k": K, "norms, once (s)": round(prepared, 3)}
    for metric in METRICS:
        seconds: dict[str, list[float]] = {"numpy": [], "search": []}
        for turn in range(ROUNDS):
            row = int(rng.integers(n))
            query = values[row]
            for name in ("numpy", "search") if turn % 2 else ("search", "numpy"):
                started = time.perf_counter()
                if name == "numpy":
                    plain(values, norms, query, metric)
                else:
                    table.nearest(query, K, metric=metric, exclude=row)
                seconds[name].append(time.perf_counter() - started)
        middle = {name: float(np.median(times)) for name, times in seconds.items()}
        report[metric] = {
            **{f"{name} (ms)": round(1000 * value, 2) for name, value in middle.items()},
            "ratio": round(middle["search"] / middle["numpy"], 3),
        }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
