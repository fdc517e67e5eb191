"""Runs the committed arm64 binary: as it is on arm64, by qemu-user elsewhere (installed where that is possible).

    python -m dist.arm64        (in tests/)

`--version`, a wrong input, and the front end job of the README through action.yml against the local cloud.
"""

import contextlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
TESTS = PROJECT / "tests"
NAME = "aws-web-deploy-linux-arm64"
KEYS = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}


def emulator() -> str | None:
    """The program that runs arm64 binaries here, or None where they run by themselves."""
    if platform.machine() == "aarch64":
        return None
    names = ("qemu-aarch64", "qemu-aarch64-static")
    if not any(map(shutil.which, names)) and shutil.which("apt-get"):
        root = [] if os.getuid() == 0 else ["sudo", "--non-interactive"]
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "check": False}
        with contextlib.suppress(FileNotFoundError):
            subprocess.run([*root, "apt-get", "update", "-qq"], **quiet)
            subprocess.run([*root, "apt-get", "install", "-qq", "-y", "--no-install-recommends", "qemu-user"], **quiet)
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        sys.exit("error: qemu-aarch64 is not installed and could not be; install Debian's or Ubuntu's `qemu-user`")
    return found


def action(folder: Path, qemu: str | None) -> Path:
    """A copy of the action whose arm64 binary runs on this machine."""
    copy = folder / "action"
    shutil.copytree(PROJECT / "dist", copy / "dist")
    shutil.copy(PROJECT / "action.yml", copy)
    if qemu:
        binary = copy / "dist" / NAME
        binary.rename(folder / NAME)
        binary.write_text(f'#!/bin/sh\nexec "{qemu}" "{folder / NAME}" "$@"\n')
        binary.chmod(0o755)
    return copy


@contextlib.contextmanager
def local_cloud():
    """The local cloud's addresses, while it runs."""
    with subprocess.Popen(
        [sys.executable, "-m", "cloud", "--port", "0"], cwd=TESTS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as cloud:
        try:
            yield json.loads(cloud.stdout.readline())
        finally:
            cloud.terminate()


def call(cloud: dict, path: str, body: dict | None = None) -> object:
    """Asks the local cloud's control endpoint, or tells it something."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{cloud['control']}/{path}", data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def step(folder: Path, copy: Path, given: dict, env: dict) -> dict:
    """What the runner reports of one step that uses the action."""
    for name in ("workspace", "temp"):
        (folder / name).mkdir(exist_ok=True)
    job = {
        "action": str(copy),
        "with": given,
        "env": {**KEYS, **env},
        "github": {"repository": "octo/site", "ref": "refs/heads/main", "sha": "0" * 40, "run_id": "1",
                   "event_name": "push"},
        "workspace": str(folder / "workspace"),
        "temp": str(folder / "temp"),
        "runner": {"os": "Linux", "arch": "ARM64"},
        "timeout": 120,
    }
    path = folder / "job.json"
    path.write_text(json.dumps(job))
    done = subprocess.run([sys.executable, "-m", "runner", str(path)], cwd=TESTS, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def expect(what: str, holds: object, seen: object) -> None:
    """Ends the run with what was seen, where something does not hold."""
    if not holds:
        sys.exit(f"error: arm64: {what} does not hold; seen: {seen}")
    print(f"arm64: {what}")


def main() -> None:
    """Everything in one go: the emulator makes each start slow."""
    qemu = emulator()
    with tempfile.TemporaryDirectory() as name, local_cloud() as cloud:
        folder = Path(name)
        copy = action(folder, qemu)

        env = {"PATH": os.environ["PATH"], "RUNNER_OS": "Linux", "RUNNER_ARCH": "ARM64"}
        version = subprocess.run(
            ["sh", str(copy / "dist/run"), "--version"], env=env, stdout=subprocess.PIPE, text=True, check=True
        ).stdout
        expect("--version names its target", "(aarch64-unknown-linux-musl, sources " in version, version)

        wrong = step(folder, copy, {"bucket": "Not_A_Bucket", "delete": "perhaps"}, {"AWS_ENDPOINT_URL": cloud["endpoint"]})
        errors = [command for command in wrong["commands"] if command["command"] == "error"]
        expect("wrong inputs fail with code 2 and one error", (wrong["exit_code"], len(errors)) == (2, 1), wrong["log"])

        bucket = {"bucket": "site-on-arm", "ownership": "ObjectWriter", "block_public_access": False}
        call(cloud, "s3/bucket", {**bucket, "versioning": "Enabled"})
        call(cloud, "cloudfront", {"id": "E2ARMEXAMPLE", "origins": [{"domain": "site-on-arm.s3.amazonaws.com", "path": ""}]})
        (folder / "workspace/index.html").write_text("<!doctype html><title>arm</title>")
        (folder / "workspace/secret.txt").write_text("stays here")
        front = step(
            folder, copy,
            {"args": "--acl public-read --exclude '*' --include 'index.html'", "paths": "/index.html",
             "invalidation-failure": "warn"},
            {"AWS_ENDPOINT_URL": cloud["endpoint"], "AWS_REGION": "us-east-1", "AWS_S3_BUCKET": "site-on-arm",
             "DISTRIBUTION": "E2ARMEXAMPLE"},
        )
        expect("the front end job succeeds", front["exit_code"] == 0, front["log"])
        requests = call(cloud, "requests")
        uploads = [request for request in requests
                   if request["operation"] == "PutObject" and "/.aws-web-deploy/" not in request["path"]]
        expect("index.html alone is uploaded, public and as HTML",
               [request["path"].rsplit("/", 1)[-1] for request in uploads] == ["index.html"]
               and uploads[0]["headers"]["x-amz-acl"] == "public-read"
               and uploads[0]["headers"]["content-type"] == "text/html; charset=utf-8", uploads)
        made = [request for request in requests if request["operation"] == "CreateInvalidation"]
        expect("one invalidation is created", len(made) == 1, requests)


if __name__ == "__main__":
    main()
