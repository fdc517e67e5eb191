"""Runs the committed binaries where the tests do not: on arm64, and on an x64 processor of 2008.

    python -m dist.emulated        (in tests/)

By qemu-user, which is installed where that is possible; on arm64 the binary for it runs as it is. On arm64: `--version`, a
wrong input, and the front end job of the README through action.yml against the local cloud. On the old processor: each
checksum without the instructions for it, for the linker leaves most tables of CRCs out.
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
KEYS = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}


def emulator(machine: str) -> str:
    """The program that runs binaries for `machine` here."""
    names = (f"qemu-{machine}", f"qemu-{machine}-static")
    if not any(map(shutil.which, names)) and shutil.which("apt-get"):
        root = [] if os.getuid() == 0 else ["sudo", "--non-interactive"]
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "check": False}
        with contextlib.suppress(FileNotFoundError):
            subprocess.run([*root, "apt-get", "update", "-qq"], **quiet)
            subprocess.run([*root, "apt-get", "install", "-qq", "-y", "--no-install-recommends", "qemu-user"], **quiet)
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        sys.exit(f"error: {names[0]} is not installed and could not be; install Debian's or Ubuntu's `qemu-user`")
    return found


def action(folder: Path, architecture: str, command: str) -> Path:
    """A copy of the action whose binary for `architecture` is run by `command`."""
    copy = folder / "action"
    shutil.copytree(PROJECT / "dist", copy / "dist")
    shutil.copy(PROJECT / "action.yml", copy)
    binary = copy / "dist" / f"aws-web-deploy-linux-{architecture}"
    moved = binary.rename(folder / "emulated")
    binary.write_text(f'#!/bin/sh\nexec {command} "{moved}" "$@"\n')
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


def step(folder: Path, copy: Path, given: dict, env: dict, architecture: str = "ARM64") -> dict:
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
        "runner": {"os": "Linux", "arch": architecture},
        "timeout": 120,
    }
    path = folder / "job.json"
    path.write_text(json.dumps(job))
    done = subprocess.run([sys.executable, "-m", "runner", str(path)], cwd=TESTS, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def expect(what: str, holds: object, seen: object) -> None:
    """Ends the run with what was seen, where something does not hold."""
    if not holds:
        sys.exit(f"error: {what}: does not hold; seen: {seen}")
    print(what)


def arm64() -> None:
    """Everything in one go: the emulator makes each start slow."""
    qemu = "" if platform.machine() == "aarch64" else emulator("aarch64")
    with tempfile.TemporaryDirectory() as name, local_cloud() as cloud:
        folder = Path(name)
        copy = action(folder, "arm64", qemu)

        env = {"PATH": os.environ["PATH"], "RUNNER_OS": "Linux", "RUNNER_ARCH": "ARM64"}
        version = subprocess.run(
            ["sh", str(copy / "dist/run"), "--version"], env=env, stdout=subprocess.PIPE, text=True, check=True
        ).stdout
        expect("arm64: --version names its target", "(aarch64-unknown-linux-musl, sources " in version, version)

        wrong = step(folder, copy, {"bucket": "Not_A_Bucket", "delete": "perhaps"}, {"AWS_ENDPOINT_URL": cloud["endpoint"]})
        errors = [command for command in wrong["commands"] if command["command"] == "error"]
        expect("arm64: wrong inputs fail with code 2 and one error", (wrong["exit_code"], len(errors)) == (2, 1), wrong["log"])

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
        expect("arm64: the front end job succeeds", front["exit_code"] == 0, front["log"])
        requests = call(cloud, "requests")
        uploads = [request for request in requests
                   if request["operation"] == "PutObject" and "/.aws-web-deploy/" not in request["path"]]
        expect("arm64: index.html alone is uploaded, public and as HTML",
               [request["path"].rsplit("/", 1)[-1] for request in uploads] == ["index.html"]
               and uploads[0]["headers"]["x-amz-acl"] == "public-read"
               and uploads[0]["headers"]["content-type"] == "text/html; charset=utf-8", uploads)
        made = [request for request in requests if request["operation"] == "CreateInvalidation"]
        expect("arm64: one invalidation is created", len(made) == 1, requests)


def old_processor() -> None:
    """Nehalem has no carry-less multiplication, by which CRCs are computed elsewhere: tables serve."""
    with tempfile.TemporaryDirectory() as name, local_cloud() as cloud:
        folder = Path(name)
        copy = action(folder, "x64", f"{emulator('x86_64')} -cpu Nehalem")
        call(cloud, "s3/bucket", {"bucket": "site-on-old"})
        (folder / "workspace").mkdir()
        (folder / "workspace/page.html").write_text("<!doctype html>" + "some text " * 400)
        for algorithm in ("CRC32", "CRC32C", "CRC64NVME"):
            seen = step(
                folder, copy,
                {"bucket": "site-on-old", "source": ".", "force": "true", "args": f"--checksum-algorithm {algorithm}"},
                {"AWS_ENDPOINT_URL": cloud["endpoint"], "AWS_REGION": "us-east-1"}, "X64",
            )
            # The local cloud refuses a checksum that is wrong.
            header = f"x-amz-checksum-{algorithm.lower()}"
            sent = [one for one in call(cloud, "requests") if one["path"].endswith("/page.html") and header in one["headers"]]
            expect(f"old x64: {algorithm} is right without instructions for it", seen["exit_code"] == 0 and sent, seen["log"])


if __name__ == "__main__":
    arm64()
    old_processor()
