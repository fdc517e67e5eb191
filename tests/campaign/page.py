"""The table of cases and outcomes, as a page."""

from collections import defaultdict

from campaign.cases import FAULTS, KINDS, Case

_HEAD = """# What happens when a request goes wrong

Every request that a run sends was struck by every fault, once and for good, at each place where it is sent; after each
such run a clean one followed. {ran} In all of them bucket, environment, report, outputs and GitHub's
status agreed, no object was torn, no upload was left behind, and after the clean run (and after a rollback) bucket, environment and
every visitor behind a CloudFront that caches had what they should. The table is written by `make campaign`, which goes on where it was
broken off (`RESULTS=file`); CI runs a few of the cases.

A cell tells how the runs with that fault ended: `ok` all well, `failed` all with an error, `back` with an error and rolled back,
or several of these; `–` has not run.
A fault that stays is met with `AWS_MAX_ATTEMPTS=2`; `done` is a request that took effect though its answer says otherwise.
"""
_LARGE = """## Slow and large

`make large` measures the memory of the binary at its peak (VmHWM, of a debug build) and the lines of its log, and holds both to limits; CI
does so with 1/500 of the numbers. Measured once, on a machine that was busy with other things (so without times):

| run | scale | peak of memory | limit | lines of the log |
| --- | --- | --- | --- | --- |
| 5,000 files, first deploy | 1/20 | 68 MiB | 80 MiB | 227 |
| 5,000 files, no change | 1/20 | 62 MiB | 80 MiB | 6 |
| 5,000 files, all changed | 1/20 | 60 MiB | 80 MiB | 253 |
| 5,000 files, rollback of all | 1/20 | 74 MiB | 80 MiB | 229 |
| a log tail of 20 MB, of which 4 MiB are read | 1 | 73 MiB | 90 MiB | 80 |
| 10,000 events | 1 | 77 MiB | 119 MiB | 10,032 |
| 1,000,000 keys beside the prefix | 1 | 42 MiB | 60 MiB | 16 |

An environment that takes an hour is some 240 polls and at most 130 lines without events
(`an_hour_takes_some_hundred_polls_and_lines`, by a simulated clock). Not run at full size yet: 100,000 files, and a record of
as many keys.
"""
_TITLES = {
    "deploy": "A deploy of site and backend",
    "put-back": "The same with `on-failure: rollback`",
    "rollback": "A rollback of both",
    "check": "`command: check`",
}
_WORDS = {"succeeded": "ok", "unchanged": "ok", "failed": "failed", "failed, rolled back": "back"}


def text(results: list[tuple[Case, str]], total: int) -> str:
    """The page of these results, of so many cases that there are."""
    some = f"{len(results):,} of {total:,} cases have run, drawn at random." if len(results) < total else f"All {total:,} cases have run."
    cells: dict[tuple[str, str, str, bool], set[str]] = defaultdict(set)
    for case, end in results:
        cells[case.kind, f"{case.service} {case.operation}", case.fault, case.for_good].add(_WORDS.get(end, end))
    lines = [_HEAD.format(ran=some)]
    for kind in KINDS:
        requests = sorted({request for each, request, _, _ in cells if each == kind})
        for for_good in (False, True):
            lines.append(f"## {_TITLES[kind]}: {'faults that stay' if for_good else 'faults that pass'}\n")
            lines.append("| request | " + " | ".join(FAULTS) + " |")
            lines.append("| --- " * (len(FAULTS) + 1) + "|")
            for request in requests:
                row = (", ".join(sorted(cells[kind, request, fault, for_good])) or "–" for fault in FAULTS)
                lines.append(f"| {request} | " + " | ".join(row) + " |")
            lines.append("")
    lines.append(_LARGE)
    return "\n".join(lines)
