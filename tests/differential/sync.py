"""Random trees, flags and buckets: what the real `aws s3 sync` leaves, and what this action leaves.

Command line: `python -m differential.sync BINARY [--cases N] [--seed S] [--seconds MOST]`. A case that differs is run again by
its seed alone. Known differences (README, "Intentional differences from `aws s3 sync`") are taken out: charsets, and headers
of objects whose content stays, which aws-cli never repairs.
"""

import base64
import os
import random
import shlex
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3

from campaign.world import KEYS, Pool
from differential.cases import main_of, post
from runner import action
from runner.commands import Log, Masker
from runner.context import Job

THEIRS, OURS = "with-aws-cli", "with-this-action"
REGION = "us-east-1"
_NAMES = (
    "index.html", "a.css", "b.txt", "img/c.png", "img/d e.svg", "docs/ü.txt", "docs/deep/er/f.json", "g", "docs.html",
    "docs/+plus.html", "x-y.bin", "x/y.bin", "x.y/z.txt", "[w].txt", "q?.txt", "docs/Index.HTML", "img/h#.gif",
)
_PATTERNS = ("*", "*.html", "docs/*", "*/d e.svg", "img/?.png", "[w].txt", "x*", "docs", "*.HTML", "[!a-m]*", "docs/deep/*", "nothing")
_SIZES = (0, 1, 7, 7, 4096)


@dataclass
class Case:
    """One tree, one bucket, one command line."""

    seed: int
    files: dict[str, tuple[bytes, int]] = field(default_factory=dict)
    """Content, and how many seconds ago it was changed (less than zero: to come)."""
    links: dict[str, str] = field(default_factory=dict)
    objects: dict[str, tuple[bytes, int, dict[str, str]]] = field(default_factory=dict)
    flags: list[str] = field(default_factory=list)
    prefix: str = ""

    def __post_init__(self) -> None:
        chance = random.Random(self.seed)
        content = lambda name: (f"{name} {chance.randint(0, 1)} ".encode() * 4096)[: chance.choice(_SIZES)]  # noqa: E731
        for name in chance.sample(_NAMES, chance.randint(1, len(_NAMES))):
            self.files[name] = (content(name), chance.choice((-3600, 60, 3600, 86400)))
        if chance.random() < 0.3:
            self.links["linked.txt"] = chance.choice(sorted(self.files))
        self.prefix = chance.choice(("", "", "site/", "a b/"))
        for name in chance.sample(_NAMES, chance.randint(0, len(_NAMES))) + chance.sample(["old.html", "img/old.png", "docs/old"], 2):
            same = name in self.files and chance.random() < 0.6
            body = self.files[name][0] if same else content(name)
            stored = {"content-type": "text/x-old", "cache-control": "max-age=1"} if chance.random() < 0.5 else {}
            self.objects[self.prefix + name] = (body, chance.choice((10, 120, 7200, 172800)), stored)
        self.flags = self._flags(chance)

    def describe(self) -> str:
        """The case in one line."""
        return f"{shlex.join(self.flags)} prefix {self.prefix!r}"

    def _flags(self, chance: random.Random) -> list[str]:
        flags: list[str] = []
        may = lambda share, *words: flags.extend(words) if chance.random() < share else None  # noqa: E731
        may(0.6, "--delete")
        may(0.2, "--size-only")
        may(0.1, "--exact-timestamps")
        may(0.2, chance.choice(("--follow-symlinks", "--no-follow-symlinks")))
        may(0.1, "--no-guess-mime-type")
        may(0.3, "--acl", chance.choice(("public-read", "private", "bucket-owner-full-control")))
        may(0.3, "--storage-class", chance.choice(("STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING")))
        may(0.3, "--cache-control", "max-age=60, public")
        may(0.15, "--content-type", "text/x-ours")
        may(0.15, "--content-language", "ko")
        may(0.15, "--content-disposition", "attachment; filename=a b.txt")
        may(0.15, "--content-encoding", "identity")
        may(0.15, "--expires", "2030-01-01T00:00:00Z")
        may(0.15, "--metadata", "team=web,stage=one two")
        may(0.15, "--sse", "AES256")
        for _ in range(chance.randint(0, 4)):
            may(0.7, chance.choice(("--exclude", "--include")), chance.choice(_PATTERNS))
        return flags


class Beside:
    """A cloud with two equal buckets."""

    def __init__(self, pool: Pool, copy: Path, case: Case, directory: Path) -> None:
        self.case, self.copy, self.directory = case, copy, directory
        self.endpoints = pool.new()
        self.env = {**KEYS, "AWS_ENDPOINT_URL": self.endpoints["endpoint"], "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION}
        self.s3 = boto3.client(
            "s3", endpoint_url=self.endpoints["endpoint"], region_name=REGION,
            aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"], aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
        )

    def prepare(self) -> None:
        """Write the tree, fill both buckets."""
        now = time.time()
        root = self.directory / "workspace/site"
        for name, (content, age) in self.case.files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            os.utime(path, (now - age, now - age))
        for name, target in self.case.links.items():
            (root / name).symlink_to(target)
        for bucket in (THEIRS, OURS):
            post(self.endpoints["control"], "s3/bucket", {
                "bucket": bucket, "ownership": "ObjectWriter", "block_public_access": False,
            })
            for key, (body, age, stored) in self.case.objects.items():
                post(self.endpoints["control"], "s3/object", {
                    "bucket": bucket, "key": key, "body_base64": base64.b64encode(body).decode(), "age": age,
                    "headers": {**stored, "x-amz-meta-before": "1"},
                })

    def theirs(self) -> int:
        """The real tool."""
        tool = Path(sys.executable).with_name("aws")
        done = subprocess.run(
            [str(tool), "s3", "sync", "site", f"s3://{THEIRS}/{self.case.prefix}", *self.case.flags],
            cwd=self.directory / "workspace", env={**os.environ, **self.env}, capture_output=True, text=True, check=False,
        )
        return done.returncode

    def ours(self) -> tuple[int, str]:
        """This action; its exit code and its log."""
        job = Job.from_json({
            "action": str(self.copy), "env": self.env,
            "github": {"repository": "octo/site", "ref": "refs/heads/main", "run_id": "1", "sha": "0" * 40, "api_url": self.endpoints["github"]},
            "workspace": str(self.directory / "workspace"), "temp": str(self.directory / "temp"), "timeout": 100,
        })
        given = {
            "bucket": OURS, "source": "site", "prefix": self.case.prefix, "args": shlex.join(self.case.flags),
            "compare": "" if "--size-only" in self.case.flags or "--exact-timestamps" in self.case.flags else "modified",
            "max-delete": "100%",
        }
        log = Log(Masker(job.secrets))
        done = action.run(self.copy, {name: value for name, value in given.items() if value}, {}, job, log, [])
        return done.exit_code, "\n".join(log.lines)

    def left(self, bucket: str) -> dict[str, Any]:
        """Every object with all that can be compared."""
        found: dict[str, Any] = {}
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            for each in page.get("Contents", []):
                key = each["Key"]
                if key.startswith(".aws-web-deploy/"):
                    continue
                head = self.s3.head_object(Bucket=bucket, Key=key)
                plain = {"etag": each["ETag"], "size": each["Size"]}
                if "before" in head["Metadata"]:
                    found[key] = plain | {"written": False}
                    continue
                grants = self.s3.get_object_acl(Bucket=bucket, Key=key)["Grants"]
                found[key] = plain | {
                    "written": True,
                    "type": head.get("ContentType", "").removesuffix("; charset=utf-8"),
                    "metadata": head["Metadata"],
                    "headers": {name: head.get(name) for name in (
                        "CacheControl", "ContentLanguage", "ContentDisposition", "ContentEncoding", "ExpiresString", "StorageClass",
                        "ServerSideEncryption",
                    )},
                    "acl": sorted((str(grant["Grantee"].get("URI", "owner")), grant["Permission"]) for grant in grants),
                }
        return found


def differences(pool: Pool, copy: Path, case: Case) -> list[str]:
    """What the two left differently."""
    with tempfile.TemporaryDirectory(prefix="beside-") as directory:
        beside = Beside(pool, copy, case, Path(directory))
        try:
            beside.prepare()
            code = beside.theirs()
            our_code, log = beside.ours()
            theirs, ours = beside.left(THEIRS), beside.left(OURS)
        finally:
            pool.end(beside.endpoints)
    if our_code == 1 and "leaves nothing" in log:
        # On purpose: `max-delete` stops what would empty a site.
        return []
    wrong = [f"exit codes {code} and {our_code}\n{log}"] if (code == 0) != (our_code == 0) else []
    wrong += [f"`{key}`: {theirs.get(key)} and {ours.get(key)}" for key in sorted({*theirs, *ours}) if theirs.get(key) != ours.get(key)]
    return wrong


if __name__ == "__main__":
    sys.exit(main_of("sync", Case, differences))
