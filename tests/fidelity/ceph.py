"""Deploys to Ceph's gateway and rolls back: versions, ACLs, headers and odd keys on a store that nobody here wrote.

    python -m fidelity.ceph        (in tests/; `make fidelity` runs it, and skips it where Ceph is not installed)

FIDELITY_BINARY names another binary than that of dist/, such as target/debug/aws-web-deploy.
"""

import shutil
import sys
import tempfile
import unittest
from pathlib import Path

import boto3
from botocore.config import Config

from fidelity import runs
from fidelity.deployments import ODD, PART
from fidelity.gateway import KEY_ID, SECRET, Gateway, missing

EVERYONE = "http://acs.amazonaws.com/groups/global/AllUsers"


class Ceph(unittest.TestCase):
    """One gateway for all tests; a bucket each."""

    @classmethod
    def setUpClass(cls):
        cls.gateway = cls.enterClassContext(Gateway(Path(cls.enterClassContext(tempfile.TemporaryDirectory()))).running())
        cls.s3 = boto3.client(
            "s3", endpoint_url=cls.gateway.endpoint, region_name="default", aws_access_key_id=KEY_ID,
            aws_secret_access_key=SECRET, config=Config(s3={"addressing_style": "path"}, request_checksum_calculation="when_required"),
        )  # fmt: skip

    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.workspace = self.folder / "workspace"
        self.site = self.workspace / "public"
        shutil.copytree(runs.PROJECT / "examples/site", self.site)
        self.number = 0
        self.bucket = self.id().rpartition(".")[2].replace("_", "-")[:60]
        self.s3.create_bucket(Bucket=self.bucket)

    def keep_versions(self):
        self.s3.put_bucket_versioning(Bucket=self.bucket, VersioningConfiguration={"Status": "Enabled"})

    def write(self, name, text):
        path = self.site / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def run_step(self, **inputs):
        self.number += 1
        given = {"bucket": self.bucket, "source": "public", "endpoint-url": self.gateway.endpoint, "aws-region": "us-east-1"}
        named = {name.replace("_", "-"): value for name, value in inputs.items()}
        env = {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_MAX_ATTEMPTS": "2"}
        return runs.step(self.folder, self.workspace, given | named, env, self.number)

    def good(self, **inputs):
        result = self.run_step(**inputs)
        self.assertEqual(result["result"], "success", result["log"])
        return result

    def objects(self):
        """Everything that a visitor or an owner could tell apart, by key."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        keys = [one["Key"] for page in pages for one in page.get("Contents", [])]
        return {key: self.look(key) for key in keys if not key.startswith(".aws-web-deploy/")}

    def look(self, key):
        got = self.s3.get_object(Bucket=self.bucket, Key=key)
        grants = self.s3.get_object_acl(Bucket=self.bucket, Key=key)["Grants"]
        return {
            "body": got["Body"].read(), "type": got["ContentType"], "cache": got.get("CacheControl"), "metadata": got["Metadata"],
            "grants": sorted((grant["Grantee"].get("URI", "owner"), grant["Permission"]) for grant in grants),
        }  # fmt: skip

    def test_versions_acls_and_the_way_back(self):
        self.keep_versions()
        for name in ODD:
            self.write(name, f"first {name}")
        # Somebody else's, which no run may touch.
        self.s3.put_object(Bucket=self.bucket, Key="theirs.txt", Body=b"theirs")
        inputs = {"acl": "public-read", "headers": "* Cache-Control: no-cache\nassets/* x-amz-meta-kind: asset", "exclude": "theirs.txt"}
        self.good(**inputs, delete="true")
        first = self.objects()
        self.assertLessEqual(set(ODD) | {"index.html"}, first.keys())
        self.assertIn((EVERYONE, "READ"), first["index.html"]["grants"])
        self.assertNotIn((EVERYONE, "READ"), first["theirs.txt"]["grants"])
        self.assertEqual(first["assets/app.js"]["metadata"], {"kind": "asset"})

        again = self.good(**inputs, delete="true")
        self.assertEqual(again["outputs"]["changed"], "false", again["log"])

        for name in ODD[::2]:
            self.write(name, f"second {name}")
        for name in ODD[1::4]:
            (self.site / name).unlink()
        self.write("new +page.html", "new")
        self.good(**inputs | {"acl": "private", "headers": "* Cache-Control: max-age=60"}, delete="true")
        second = self.objects()
        self.assertNotEqual(second.keys(), first.keys())
        self.assertEqual(second[ODD[0]]["body"], f"second {ODD[0]}".encode())
        self.assertNotIn((EVERYONE, "READ"), second[ODD[0]]["grants"])

        self.good(command="rollback")
        self.assertEqual(self.objects(), first)
        # `previous` twice goes back twice; forward again by naming the release.
        self.assertEqual(self.objects()["theirs.txt"]["body"], b"theirs")

    def test_a_large_file_in_parts(self):
        self.keep_versions()
        (self.site / "large.bin").write_bytes(b"l" * (2 * PART + 7))
        self.good()
        again = self.good()
        self.assertEqual(again["outputs"]["changed"], "false", again["log"])
        (self.site / "large.bin").write_bytes(b"m" * (2 * PART + 7))
        self.good()
        self.good(command="rollback")
        self.assertEqual(self.look("large.bin")["body"], b"l" * (2 * PART + 7))

    def test_a_bucket_without_versions(self):
        self.good()
        self.write("index.html", "second")
        self.assertIn("versioning", self.good()["log"])
        self.assertEqual(self.objects()["index.html"]["body"], b"second")
        self.assertEqual(self.run_step(command="rollback")["result"], "failure")

    def test_a_check(self):
        self.keep_versions()
        self.good(command="check")


if __name__ == "__main__":
    if absent := missing():
        print(f"skipped: Ceph is not installed here ({', '.join(absent)}); apt-get install radosgw ceph-mon ceph-osd ceph-common")
        sys.exit(0)
    unittest.main()
