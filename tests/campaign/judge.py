"""What must hold after a run that was struck, and after the clean run that follows it."""

import re
from typing import Any

from campaign.cases import AFTER, BEFORE, Case, inputs_of
from campaign.world import Run, Tree, World, live_backend

_WRITES = re.compile(r"^(Put|Copy|Delete|Create|Update|Complete|Upload|Abort|Request)")
_TWO_WORDS = {"succeeded": 0, "unchanged": 0, "failed": 1, "cancelled": 130}


def judge(world: World, case: Case) -> tuple[Run, list[str]]:
    """Run the case in a prepared world; everything that is wrong."""
    case.order(world)
    command = "deploy" if case.kind == "put-back" else case.kind
    run = world.run(command, "v2", inputs_of(case.kind), case.env())
    requests = world.requests()
    world.control("faults", method="DELETE")
    wrong = outcome(run)
    if run.outputs.get("outcome") == "cancelled":
        wrong.append("it did not end in time")
    if case.kind == "check":
        writes = [each["operation"] for each in requests if _WRITES.match(each["operation"]) and each["service"] != "sts"]
        wrong += [f"check sent {', '.join(writes)}"] if writes else []
        wrong += [] if world.run("check").exit_code == 0 else ["check fails without faults"]
        return run, wrong
    wrong += state(world, run)
    new, old, label = (BEFORE, AFTER, "v1") if case.kind == "rollback" else (AFTER, BEFORE, "v2")
    if run.ended_well:
        wrong += goal(world, new, label, "after the struck run, which ended well")
    if case.kind == "put-back" and not run.ended_well and run.outputs.get("rolled-back") == "true":
        wrong += goal(world, old, "v1", "after the release was rolled back")
    for key in {**BEFORE, **AFTER}:
        world.visit(key)
    if command == "deploy" or not run.ended_well:
        world.control("requests", method="DELETE")
        again = world.run(command, "v2", inputs_of(case.kind))
        if not again.ended_well:
            return run, [*wrong, f"the clean run failed: {again.errors}"]
        if run.ended_well and again.outputs["changed"] != "false" and not case.for_good:
            wrong.append(f"the clean run after one that ended well changed something: {again.outputs}")
        wrong += goal(world, new, label, "after the clean run")
    if command == "deploy":
        back = world.run("rollback")
        if not back.ended_well:
            return run, [*wrong, f"the rollback after it failed: {back.errors}"]
        wrong += goal(world, BEFORE, "v1", "after the rollback")
    return run, wrong


def outcome(run: Run) -> list[str]:
    """Exit code, outputs, report and the one error tell the same."""
    wrong = []
    report, outputs = run.report, run.outputs
    word = outputs.get("outcome")
    if _TWO_WORDS.get(word or "") != run.exit_code:
        wrong.append(f"exit code {run.exit_code} with outcome {word!r}")
    if report.get("outcome") != word:
        wrong.append(f"the report says {report.get('outcome')!r}, the output {word!r}")
    if run.exit_code == 1 and report.get("command") != "check":
        if len(run.errors) != 1:
            wrong.append(f"{len(run.errors)} errors: {run.errors}")
        if not report.get("error", {}).get("message"):
            wrong.append("no error in the report")
    if run.exit_code == 0 and run.errors:
        wrong.append(f"errors in a run that ended well: {run.errors}")
    if "panicked" in run.log:
        wrong.append("it panicked")
    return wrong


def state(world: World, run: Run) -> list[str]:
    """No torn object, no page before its assets, nothing left behind, and true words about the backend."""
    wrong = []
    site = world.site()
    for key, text in site.items():
        if text not in (BEFORE.get(key), AFTER.get(key)):
            wrong.append(f"`{key}` holds {text!r}")
    if unfinished := world.unfinished_uploads():
        wrong.append(f"unfinished uploads: {unfinished}")
    said, label = live_backend(run), world.label()
    if said is not None and said != label and world.status() == "Ready":
        wrong.append(f"the error says that `{said}` is live, and `{label}` is")
    return wrong + deployments(world, run)


def deployments(world: World, run: Run) -> list[str]:
    """The last status that GitHub took is the run's own, where it took a last one."""
    made = run.outputs.get("github-deployment-id")
    states = [
        each["state"] for each in world.control("github")["statuses"] if made and each["deployment_url"].endswith(f"/{made}")
    ]
    if states and run.ended_well and states[-1] not in ("success", "in_progress"):
        return [f"GitHub's last status is {states[-1]!r}"]
    if states and not run.ended_well and states[-1] == "success":
        return ["GitHub says success of a run that failed"]
    return []


def goal(world: World, site: Tree, label: str, when: str) -> list[str]:
    """Bucket, environment and every visitor have it."""
    wrong = []
    if (found := world.site()) != site:
        wrong.append(f"{when} the bucket differs: {_difference(found, site)}")
    if world.label() != label:
        wrong.append(f"{when} `{world.label()}` runs, not `{label}`")
    seen = {key: text for key in {**BEFORE, **AFTER, **site} if (text := world.visit(key)) is not None}
    if seen != site:
        wrong.append(f"{when} visitors see something else: {_difference(seen, site)}")
    return wrong


def _difference(found: dict[str, Any], wanted: dict[str, Any]) -> str:
    keys = sorted(key for key in {*found, *wanted} if found.get(key) != wanted.get(key))
    return ", ".join(f"{key}: {found.get(key)!r} for {wanted.get(key)!r}" for key in keys)
