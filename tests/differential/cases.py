"""What both comparisons need: their command line, and requests to a cloud's control endpoint."""

import argparse
import json
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from campaign.world import Pool, action_copy


def post(control: str, path: str, body: dict[str, Any]) -> None:
    """One request to the control endpoint."""
    request = urllib.request.Request(f"{control}/{path}", json.dumps(body).encode(), {"Content-Type": "application/json"})
    urllib.request.urlopen(request).read()


def main_of(name: str, case_of: Callable[[int], Any], differences: Callable[[Pool, Path, Any], list[str]]) -> int:
    """Compare case after case, print those that differ; the exit code."""
    parser = argparse.ArgumentParser(prog=f"differential.{name}", description=sys.modules[case_of.__module__].__doc__)
    parser.add_argument("binary", type=Path)
    parser.add_argument("--cases", type=int, default=100)
    parser.add_argument("--seed", type=int, default=None, help="the first case's; without it another for each call")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin no case after so long")
    arguments = parser.parse_args()
    first = arguments.seed if arguments.seed is not None else time.time_ns() % 1_000_000_000
    started, seen, fallen = time.monotonic(), 0, 0
    pool = Pool()
    with tempfile.TemporaryDirectory(prefix="differential-") as directory:
        copy = action_copy(arguments.binary.absolute(), Path(directory, "action"))
        for seed in range(first, first + arguments.cases):
            if time.monotonic() - started > arguments.seconds:
                break
            case = case_of(seed)
            seen += 1
            if wrong := differences(pool, copy, case):
                fallen += 1
                print(f"DIFFERS --seed {seed} --cases 1", case.describe(), *wrong, sep="\n    ", flush=True)
    pool.close()
    print(f"{seen} cases from seed {first}, {fallen} differ")
    return 1 if fallen or not seen else 0
