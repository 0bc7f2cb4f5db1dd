"""How long imports take, each in a process of its own, as multiples of ``import numpy``.

    python -m benchmarks.bench_import [rounds]

The median of some rounds in turn, in processor time; read the ratio, not the milliseconds.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys

MODULES = (
    "numpy",
    "latentcore",
    "latentcore.readers",
    "latentcore.workflows",
    "latentcore.cli",
)


def seconds(module: str) -> float:
    code = (
        f"import time; start = time.process_time(); import {module};"
        "print(time.process_time() - start)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout)


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    taken = [{module: seconds(module) for module in MODULES} for _ in range(rounds)]
    medians = {module: statistics.median(one[module] for one in taken) for module in MODULES}
    for module, median in medians.items():
        report = {"seconds": round(median, 3), "× numpy": round(median / medians["numpy"], 2)}
        print(module, json.dumps(report, ensure_ascii=False))


if __name__ == "__main__":
    main()
