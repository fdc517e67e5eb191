"""The tools that are compared, and how each is called."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.servers import ACCESS_KEY, SECRET_KEY

Command = Callable[[str, Path, str, str], list[str]]
"""Endpoint, tree, bucket, region -> command line."""


@dataclass
class Measured:
    """What one run of one process took."""

    wall: float
    cpu: float
    """User and system time, seconds."""
    memory: float
    """Largest resident set, MB."""


@dataclass
class Tool:
    """A tool and its command line."""

    name: str
    version: str
    """As it says itself."""
    command: Command
    env: Callable[[str, Path, str, str], dict[str, str]] = lambda endpoint, tree, bucket, region: {}

    def run(self, endpoint: str, tree: Path, bucket: str, region: str) -> Measured:
        """Run it once, as a process of its own; stop everything when it fails."""
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": "/nonexistent",
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_EC2_METADATA_DISABLED": "true",
        } | self.env(endpoint, tree, bucket, region)
        with tempfile.TemporaryFile() as log:
            start = time.perf_counter()
            process = subprocess.Popen(
                self.command(endpoint, tree, bucket, region),
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
            _, status, usage = os.wait4(process.pid, 0)
            wall = time.perf_counter() - start
            process.returncode = os.waitstatus_to_exitcode(status)
            log.seek(0)
            if process.returncode:
                text = log.read()[-2000:].decode(errors="replace")
                sys.exit(f"{self.name} failed ({process.returncode}):\n{text}")
        return Measured(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000)


def ours(binary: Path) -> Tool:
    """This project's binary, as `action.yml` starts it."""
    return Tool(
        "aws-web-deploy",
        version([str(binary), "--version"]),
        lambda endpoint, tree, bucket, region: [str(binary)],
        lambda endpoint, tree, bucket, region: {
            "AWD_BUCKET": bucket,
            "AWD_SOURCE": str(tree),
            "AWD_DELETE": "true",
            "AWD_ENDPOINT_URL": endpoint,
            "AWD_AWS_REGION": region,
            "GITHUB_WORKSPACE": str(tree.parent),
        },
    )


def _aws(binary: str) -> Command:
    return lambda endpoint, tree, bucket, region: [
        binary, "--endpoint-url", endpoint, "s3", "sync", str(tree), f"s3://{bucket}", "--no-progress", "--delete",
    ]


def _s5cmd(binary: str) -> Command:
    return lambda endpoint, tree, bucket, region: [
        binary, "--endpoint-url", endpoint, "sync", "--delete", f"{tree}/", f"s3://{bucket}/",
    ]


def _rclone(binary: str) -> Command:
    return lambda endpoint, tree, bucket, region: [
        binary, "sync", str(tree), f":s3:{bucket}", "--checksum", "--fast-list", "--transfers", "64", "--checkers",
        "64", "--s3-no-head", "--config", "/dev/null", "--s3-provider", "Ceph", "--s3-env-auth", "--s3-endpoint",
        endpoint, "--s3-region", region, "--s3-no-check-bucket",
    ]


PEERS = {
    "aws": ("aws-cli", "--version", _aws),
    "s5cmd": ("s5cmd", "version", _s5cmd),
    "rclone": ("rclone, tuned", "version", _rclone),
}


def version(command: list[str]) -> str:
    """The number in what `command` prints."""
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    number = re.search(r"\d+\.\d+\.\d+", shown)
    assert number, shown
    return number[0]


def peers(directory: Path) -> list[Tool]:
    """The other tools in `directory`, else on the PATH; each that is not there is named.

    An aws-cli v2 is measured beside v1 where the PATH has one: no package registry has it.
    """
    found = []
    paths = [str(directory), os.environ["PATH"]]
    for name, (title, argument, command) in PEERS.items():
        path = shutil.which(name, path=os.pathsep.join(paths))
        if path is None:
            print(f"{name} is not installed and is left out", file=sys.stderr)
            continue
        tool = Tool(title, version([path, argument]), command(path))
        found.append(tool)
        other = shutil.which(name, path=paths[1])
        if name == "aws" and other and (number := version([other, argument])).startswith("2.") and number != tool.version:
            found.append(Tool("aws-cli v2", number, command(other)))
    return found
