"""The jobs of a server in another process: takes and answers a line of JSON for each question.

    python other_server.py JOBS

``{"verb": …, "request": …}`` submits, ``{"job": …}`` asks how a job stands.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from latentcore.jobs import JobRunner, request_from


def main() -> None:
    with JobRunner(Path(sys.argv[1])) as runner:
        print("ready", flush=True)
        for line in sys.stdin:
            asked = json.loads(line)
            if "job" in asked:
                record = runner.get(asked["job"])
            else:
                verb = asked["verb"]
                record = runner.submit(verb, request_from(verb, asked["request"]))
            print(json.dumps(record.to_plain()), flush=True)


if __name__ == "__main__":
    main()
