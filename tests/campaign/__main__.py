"""Command line: `python -m campaign BINARY [--only PART] [--sample N] [--seed S] [--workers N] [--results FILE] [--page FILE]`.

Exit code 1 when something does not hold; each such case is printed with what is wrong. `--results` keeps each case's end,
so that a campaign that was broken off goes on where it was: cases that hold in that file are not run again.
"""

import argparse
import json
import multiprocessing
import random
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from campaign import page
from campaign.cases import Case, cases, prepare
from campaign.judge import judge
from campaign.world import Pool, World, action_copy

Result = tuple[Case, str, list[str], float]


def main() -> int:
    """Run the cases, print what fell, write the page."""
    parser = argparse.ArgumentParser(prog="campaign", description="faults at every request of every kind of run")
    parser.add_argument("binary", type=Path)
    parser.add_argument("--only", default="", help="cases with this in their name")
    parser.add_argument("--sample", type=int, default=0, help="so many cases, chosen by the seed; 0 is all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--results", type=Path, help="keep the ends of cases here, and do not run those again that held")
    parser.add_argument("--no-run", action="store_true", help="only what the results hold")
    parser.add_argument("--page", type=Path, help="write the table of outcomes here")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="campaign-action-") as directory:
        action = action_copy(arguments.binary.absolute(), Path(directory, "action"))
        pool = Pool()
        chosen = [case for case in cases(pool, action) if arguments.only in str(case)]
        pool.close()
        total = len(chosen)
        if arguments.sample:
            chosen = random.Random(arguments.seed).sample(chosen, min(arguments.sample, len(chosen)))
        held = _held(arguments.results)
        results: list[Result] = [(case, held[str(case)], [], 0) for case in chosen if str(case) in held]
        left = [case for case in chosen if str(case) not in held and not arguments.no_run]
        for result in _shown(left, action, arguments.workers):
            results.append(result)
            _keep(arguments.results, result)
    fallen = [result for result in results if result[2]]
    print(f"{len(results)} cases, {len(fallen)} fell; {Counter(end for _, end, _, _ in results)}")
    if arguments.page:
        arguments.page.write_text(page.text([(case, end) for case, end, wrong, _ in results if not wrong], total))
    return 1 if fallen else 0


def _held(results: Path | None) -> dict[str, str]:
    """How the cases ended that held the last time they ran, by name."""
    if results is None or not results.exists():
        return {}
    lines = [json.loads(line) for line in results.read_text().splitlines()]
    last = {line["case"]: line for line in lines}
    return {name: line["end"] for name, line in last.items() if not line["wrong"]}


def _keep(results: Path | None, result: Result) -> None:
    if results is not None:
        case, end, wrong, seconds = result
        with results.open("a") as file:
            file.write(json.dumps({"case": str(case), "end": end, "wrong": wrong, "seconds": round(seconds, 1)}) + "\n")


def _shown(chosen: list[Case], action: Path, workers: int) -> Iterator[Result]:
    with multiprocessing.get_context("fork").Pool(workers, _start, (action,)) as processes:
        for done, (case, end, wrong, seconds) in enumerate(processes.imap_unordered(_one, chosen), 1):
            if wrong:
                print(f"FELL {case} ({end}, {seconds:.1f} s)", *wrong, sep="\n    ", flush=True)
            if done % 50 == 0:
                print(f"{done} of {len(chosen)}", flush=True)
            yield case, end, wrong, seconds


_own: dict[str, object] = {}


def _start(action: Path) -> None:
    _own.update(pool=Pool(), action=action)


def _one(case: Case) -> Result:
    began = time.monotonic()
    pool, action = _own["pool"], _own["action"]
    assert isinstance(pool, Pool) and isinstance(action, Path)
    world = World(pool, action)
    end = "none"
    try:
        prepare(world, case.kind)
        run, wrong = judge(world, case)
        end = run.outputs.get("outcome", "none")
        if run.outputs.get("rolled-back") == "true":
            end += ", rolled back"
    except Exception:  # whatever breaks here belongs to its case
        wrong = [traceback.format_exc()]
    finally:
        world.close()
    return case, end, wrong, time.monotonic() - began


if __name__ == "__main__":
    sys.exit(main())
