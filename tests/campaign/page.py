"""The table of cases and outcomes, as a page."""

from collections import defaultdict

from campaign.cases import FAULTS, KINDS, Case

_HEAD = """# What happens when a request goes wrong

Every request that a run sends was struck by every fault, once and for good, at each place where it is sent; after each
such run a clean one followed. In all {count} cases bucket, environment, report, outputs and GitHub's status agreed, no object was
torn, no upload was left behind, and after the clean run (and after a rollback) bucket, environment and every visitor behind a
CloudFront that caches had what they should. The table is written by `make campaign`.

A cell tells how the runs with that fault ended: `ok` all well, `failed` all with an error, `back` with an error and rolled back,
or several of these.
A fault that stays is met with `AWS_MAX_ATTEMPTS=2`; `done` is a request that took effect though its answer says otherwise.
"""
_TITLES = {
    "deploy": "A deploy of site and backend",
    "put-back": "The same with `on-failure: rollback`",
    "rollback": "A rollback of both",
    "check": "`command: check`",
}
_WORDS = {"succeeded": "ok", "unchanged": "ok", "failed": "failed", "failed, rolled back": "back"}


def text(results: list[tuple[Case, str]]) -> str:
    """The page of these results."""
    cells: dict[tuple[str, str, str, bool], set[str]] = defaultdict(set)
    for case, end in results:
        cells[case.kind, f"{case.service} {case.operation}", case.fault, case.for_good].add(_WORDS.get(end, end))
    lines = [_HEAD.format(count=f"{len(results):,}")]
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
    return "\n".join(lines)
