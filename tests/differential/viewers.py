"""Random distributions, sites and changes: after a deploy no visitor gets from the cache what the origin would not give.

Visitors ask for every address that shows any key, under the spellings that people use, so that the cache is full; then the site
changes and is deployed; then they ask again, and get what a distribution without a cache gives. The local cloud's distribution
plays CloudFront: what it keeps under which address is written down in `cloud/aws/viewer.py`, with its sources.

Command line: `python -m differential.viewers BINARY [--cases N] [--seed S] [--seconds MOST]`.
"""

import random
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from campaign.world import KEYS, Pool
from differential.cases import main_of, post
from runner import action
from runner.commands import Log, Masker
from runner.context import Job

BUCKET, DISTRIBUTION, REGION = "site", "E1", "us-east-1"
_NAMES = (
    "index.html", "about.html", "about/index.html", "docs/index.html", "docs/a b.html", "docs/ü.html", "app.js", "img/x~y.png",
    "img/a+b.png", "errors/404.html", "it's.txt", "100%.txt", "a[1].txt", "Index.html", "deep/er/still/index.html", "no-extension",
)
_QUERIES = ("", "", "?v=1", "?a=1&b=2")


class Case:
    """One distribution, a site, and what becomes of it."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        chance = self.chance = random.Random(seed)
        self.prefix = chance.choice(("", "", "www/", "v1/site/"))
        path = "/" + self.prefix.rstrip("/") if self.prefix and chance.random() < 0.7 else ""
        default: dict[str, Any] = {"query_string": True} if chance.random() < 0.3 else {}
        if chance.random() < 0.3:
            default["functions"] = {"viewer-request": "index-html"}
        behaviours = [default]
        if chance.random() < 0.4:
            behaviours.append({"path": chance.choice(("docs/*", "*.js", "img/*.png", "about*")), "query_string": chance.random() < 0.5})
        self.distribution = {
            "id": DISTRIBUTION,
            "origins": [{"domain": f"{BUCKET}.s3.{REGION}.amazonaws.com", "path": path}],
            "behaviours": behaviours,
            "default_root_object": chance.choice(("", "index.html", "docs/index.html")),
            "error_pages": [{"code": 404, "page": "/errors/404.html"}, {"code": 403, "page": "/errors/404.html"}] if chance.random() < 0.3 else [],
        }
        self.sites = [{name: "0" for name in chance.sample(_NAMES, chance.randint(2, len(_NAMES)))}]
        for number in range(1, 3):
            site = dict(self.sites[-1])
            for _ in range(chance.randint(1, 4)):
                name = chance.choice(_NAMES)
                if name in site and len(site) > 1 and chance.random() < 0.4:
                    del site[name]
                else:
                    site[name] = str(number)
            self.sites.append(site)

    def addresses(self) -> list[str]:
        """What visitors type and follow, percent-encoded as browsers do."""
        paths = {"/"}
        strip = self.distribution["origins"][0]["path"].lstrip("/")  # type: ignore[index]
        below = "" if strip else self.prefix
        for name in {name for site in self.sites for name in site}:
            path = f"/{below}{name}"
            paths |= {path, path.removesuffix("index.html"), path.removesuffix("/index.html") or "/", path.removesuffix(".html")}
        encoded = sorted(urllib.parse.quote(path, safe="/~!$&'()*,;=:@") for path in paths)
        return [path + query for path in encoded for query in dict.fromkeys(_QUERIES)]

    def describe(self) -> str:
        """The case in one line."""
        return f"prefix {self.prefix!r} {self.distribution} {self.sites}"


def differences(pool: Pool, copy: Path, case: Case) -> list[str]:
    """Addresses under which the cache gives something else than the origin."""
    endpoints = pool.new()
    wrong: list[str] = []
    try:
        control, endpoint = endpoints["control"], endpoints["endpoint"]
        readable = {"Effect": "Allow", "Principal": "*", "Action": ["s3:GetObject", "s3:ListBucket"],
                    "Resource": [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"]}
        post(control, "s3/bucket", {"bucket": BUCKET, "block_public_access": False,
                                    "policy": {"Version": "2012-10-17", "Statement": [readable]}})
        post(control, "cloudfront", case.distribution)
        post(control, "cloudfront/settings", {"invalidation_seconds": 0})
        with tempfile.TemporaryDirectory(prefix="viewers-") as directory:
            for number, site in enumerate(case.sites):
                log = _deploy(copy, endpoints, Path(directory), case, site)
                if log:
                    return [f"the deploy failed\n{log}"]
                post(control, "cloudfront/settings", {"caching": False})
                fresh = {path: _visit(endpoint, path) for path in case.addresses()}
                post(control, "cloudfront/settings", {"caching": True})
                cached = {path: _visit(endpoint, path) for path in case.addresses()}
                wrong += [
                    f"deploy {number}: `{path}` shows {cached[path]!r}, the origin has {fresh[path]!r}"
                    for path in fresh if cached[path] != fresh[path]
                ]
    finally:
        pool.end(endpoints)
    return wrong


def _visit(endpoint: str, path: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(f"{endpoint}/_viewer/{DISTRIBUTION}{path}") as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        # What an error says of itself is another text each time.
        return error.code, b""


def _deploy(copy: Path, endpoints: dict[str, Any], directory: Path, case: Case, site: dict[str, str]) -> str:
    """Deploy `site`; the log when that fails."""
    source = directory / "workspace/site"
    for old in sorted(source.rglob("*"), reverse=True):
        old.rmdir() if old.is_dir() else old.unlink()
    for name, text in site.items():
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{name} {text}")
    job = Job.from_json({
        "action": str(copy), "env": {**KEYS, "AWS_ENDPOINT_URL": endpoints["endpoint"], "AWS_REGION": REGION},
        "github": {"repository": "octo/site", "ref": "refs/heads/main", "run_id": "1", "sha": "0" * 40, "api_url": endpoints["github"]},
        "workspace": str(directory / "workspace"), "temp": str(directory / "temp"), "timeout": 100,
    })
    given = {"bucket": BUCKET, "source": "site", "delete": "true", "max-delete": "100%", "distribution": DISTRIBUTION}
    if case.prefix:
        given["prefix"] = case.prefix
    log = Log(Masker(job.secrets))
    done = action.run(copy, given, {}, job, log, [])
    return "" if done.exit_code == 0 else "\n".join(log.lines)


if __name__ == "__main__":
    sys.exit(main_of("viewers", Case, differences))
