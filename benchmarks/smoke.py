"""Does every benchmark still work? Those named, with tiny sizes, one after the other on one Ray; a JSON object a line.

Run: ``python -m benchmarks.smoke submit_latency relay``; without names all that do not start a cluster of their own.
"""

from __future__ import annotations

import importlib
import json
import sys

from benchmarks import SHARING, private_ray, report


def main(names: list[str]) -> None:
    """Run them."""
    with private_ray.private_ray():
        for name in names:
            module = importlib.import_module(f"benchmarks.{name}")
            found = report.reported(module.QUESTION, module.SMOKE, module.measure)
            print(json.dumps({"benchmark": name, **found}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:] or list(SHARING))
