"""scripts/real-aws.sh on the emulator: what it launches it removes, whatever was deployed in between.

    python -m setup.real_aws        (in tests/; `make fidelity-real-aws` installs the emulator and runs it)
"""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

from setup.account import ISSUER, PROJECT, REGION, Emulated


class RealAws(Emulated):
    """The script of .github/workflows/real-aws.yml."""

    def script(self, *arguments, **env):
        job = {
            "GITHUB_OUTPUT": str(self.outputs), "RUNNER_TEMP": str(self.folder), "STACK": "awd-1", "AWS_REGION": REGION,
            "GITHUB_REPOSITORY": "octo-org/octo-repo", "GITHUB_REPOSITORY_OWNER_ID": "1", "GITHUB_REPOSITORY_ID": "2",
            "GITHUB_REF_NAME": "main", "BACKEND": "false",
        }  # fmt: skip
        done = subprocess.run(
            [PROJECT / "scripts/real-aws.sh", *arguments], cwd=self.folder, env=self.environment | job | env,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        self.assertEqual(done.returncode, 0, f"{done.stdout}{done.stderr}")
        return dict(line.split("=", 1) for line in self.outputs.read_text().splitlines())

    def setUp(self):
        super().setUp()
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.outputs = self.folder / "outputs"
        self.outputs.touch()

    def test_what_is_launched_is_removed(self):
        self.client("iam").create_open_id_connect_provider(Url=ISSUER, ClientIDList=["sts.amazonaws.com"])
        outputs = self.script("launch")
        self.assertEqual(outputs.keys(), {"bucket", "distribution", "site-url", "role"})
        self.assertTrue(all(outputs.values()), outputs)
        s3 = self.client("s3")
        for release in ("first", "second"):
            self.script("site", release, "public")
            files = [path for path in (self.folder / "public").rglob("*") if path.is_file()]
            self.assertGreater(len(files), 8)
            for path in files:
                s3.put_object(Bucket=outputs["bucket"], Key=str(path.relative_to(self.folder)), Body=path.read_bytes())
        s3.delete_object(Bucket=outputs["bucket"], Key="public/index.html")
        self.script("clean")
        self.assertEqual(s3.list_buckets()["Buckets"], [])
        stacks = self.client("cloudformation").list_stacks()["StackSummaries"]
        self.assertEqual({stack["StackStatus"] for stack in stacks}, {"DELETE_COMPLETE"})
        # Once more, as after a launch that failed: nothing is there.
        self.script("clean")

    def test_the_usage(self):
        done = subprocess.run([PROJECT / "scripts/real-aws.sh"], env=os.environ, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("launch|clean", done.stderr)


if __name__ == "__main__":
    unittest.main()
