"""Runs all Python tests, several modules at a time, and says which tests took longest.

    .venv/bin/python tests/python_tests.py

Most of them wait for a local cloud, each for its own. One module: `python -m unittest cloud.tests.test_s3` in tests/.
"""

import io
import multiprocessing
import os
import sys
import time
import unittest
from dataclasses import dataclass, field
from pathlib import Path

TESTS = Path(__file__).resolve().parent
SHOWN = 10


@dataclass
class Ran:
    """What became of one module."""

    module: str
    passed: bool
    count: int
    text: str
    seconds: dict[str, float] = field(default_factory=dict)


class _Timed(unittest.TextTestResult):
    """Notes how long each test takes, its set-up included."""

    def __init__(self, *arguments: object, **more: object) -> None:
        super().__init__(*arguments, **more)  # type: ignore[arg-type]
        self.seconds: dict[str, float] = {}

    def startTest(self, test: unittest.TestCase) -> None:
        self._started = time.monotonic()
        super().startTest(test)

    def stopTest(self, test: unittest.TestCase) -> None:
        self.seconds[test.id()] = time.monotonic() - self._started
        super().stopTest(test)


def modules() -> list[str]:
    """The names of all test modules."""
    return sorted(".".join(path.relative_to(TESTS).with_suffix("").parts) for path in TESTS.rglob("test_*.py"))


def run(module: str) -> Ran:
    """Run one module's tests."""
    out = io.StringIO()
    suite = unittest.defaultTestLoader.loadTestsFromName(module)
    result = unittest.TextTestRunner(stream=out, resultclass=_Timed).run(suite)
    assert isinstance(result, _Timed)
    # A module without any test is a mistake: `python -m unittest` of Python 3.12 says so too.
    passed = result.wasSuccessful() and result.testsRun > 0
    return Ran(module, passed, result.testsRun, out.getvalue(), result.seconds)


def main() -> int:
    """Run everything; the exit code is 1 when something failed."""
    os.chdir(TESTS)
    sys.path.insert(0, str(TESTS))
    started = time.monotonic()
    with multiprocessing.get_context("fork").Pool(2 * (os.cpu_count() or 1)) as pool:
        results = list(pool.imap_unordered(run, modules(), chunksize=1))
    for ran in results:
        if not ran.passed:
            print(f"==> {ran.module}\n{ran.text}")
    print("longest Python tests:")
    seconds = {test: taken for ran in results for test, taken in ran.seconds.items()}
    for test, taken in sorted(seconds.items(), key=lambda item: -item[1])[:SHOWN]:
        print(f"{taken:6.1f} s  {test}")
    failed = [ran.module for ran in results if not ran.passed]
    print(f"{sum(ran.count for ran in results)} tests in {time.monotonic() - started:.0f} s")
    if failed:
        print(f"FAILED: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
