"""Deploys, checks and rolls back under AWS's host names, every signature verified (proxy.py).

    python -m fidelity.deployments        (in tests/; `make fidelity` runs it)

FIDELITY_BINARY names another binary than that of dist/, such as target/debug/aws-web-deploy.
"""

import json
import shutil
import tempfile
import unittest
import urllib.error
import urllib.request
from pathlib import Path

from fidelity import hosts, runs
from fidelity.proxy import KEY_ID, SECRET, Proxy

# Names that clients have got wrong.
ODD = (
    "a b.txt", "a+b.txt", "a%2Bb.txt", "100%.txt", "~tilde/it's.txt", "ünï/日本語.txt", "new\nline.txt", "semi;colon&=?#.txt",
    "(brackets)[1]{2}!*.txt", 'quote".txt', "back\\slash.txt", "<tag>.txt", "emoji-🎈.txt", "tab\t.txt",
)  # fmt: skip
PART = 8 * 1024 * 1024


class Deployed(unittest.TestCase):
    """A site, a distribution and an environment, deployed through the proxy."""

    bucket = "my-site"
    role = "arn:aws:iam::123456789012:role/deploy"

    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.proxy = self.enterContext(Proxy(self.folder).running())
        self.number = 0

    def write_sources(self):
        """The first version of site and backend."""
        self.workspace = Path(tempfile.mkdtemp(dir=self.folder))
        shutil.copytree(runs.PROJECT / "examples/site", self.workspace / "public")
        shutil.copytree(runs.PROJECT / "examples/backend", self.workspace / "backend")
        for name in ODD:
            path = self.workspace / "public" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"first {name}")

    def control(self, path, **body):
        url = f"{self.proxy.server.endpoint}/_cloud/{path}"
        if not body:
            return json.load(urllib.request.urlopen(url))
        request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
        try:
            return json.load(urllib.request.urlopen(request))
        except urllib.error.HTTPError as error:
            self.fail(error.read().decode())

    def set_up(self, bucket, region, home=None):
        """What a user has before the first deployment."""
        self.proxy.forget()
        self.control("reset", all=True)
        self.control("oidc", trust=[{"role": self.role}, {"role": self.role.replace("arn:aws:", "arn:aws-cn:")}])
        self.write_sources()
        self.control("s3/bucket", bucket=bucket, region=home or region, versioning="Enabled")
        dns = {"cn": "amazonaws.com.cn", "eusc": "amazonaws.eu"}.get(region.split("-")[0], "amazonaws.com")
        self.control("cloudfront", id="E1EXAMPLE", origins=[{"domain": f"{bucket}.s3.{home or region}.{dns}", "path": ""}])
        self.control("beanstalk/environments", application="app", environment="app-prod", version_label="v0", region=region)

    def run_step(self, inputs, env=None, **job):
        self.number += 1
        credentials = {} if "id_token" in job else {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET}
        environment = {"HTTPS_PROXY": self.proxy.url, "AWS_CA_BUNDLE": str(self.proxy.ca), "AWS_MAX_ATTEMPTS": "2"}
        job["github"] = {"api_url": f"{self.proxy.server.endpoint}/_github"}
        return runs.step(self.folder, self.workspace, inputs, environment | credentials | (env or {}), self.number, **job)

    def objects(self, bucket):
        query = f"s3/objects?bucket={bucket}"
        listed = self.control(query)
        return {one["key"]: one["etag"] for one in listed if not one["key"].startswith(".aws-web-deploy/")}

    def good(self, result):
        self.assertEqual(result["result"], "success", result["log"])
        return result

    def there_and_back(self, region, bucket=None, env=None, home=None, job=None, **more):
        """Two deployments, a check and a rollback; all of it has to be signed as AWS wants it."""
        bucket = bucket or self.bucket
        self.set_up(bucket, region, home)
        site = {"bucket": bucket, "prefix": "a//b", "source": "public", "delete": "true"}
        # GovCloud has no CloudFront.
        if not region.startswith("us-gov-"):
            site["distribution"] = "E1EXAMPLE"
        backend = {"application-name": "app", "environment-name": "app-prod", "package": "backend", "poll-interval": "1"}
        inputs = {"aws-region": region, "version-label": "v{run-number}"} | site | backend | more
        self.good(self.run_step(inputs, env, **(job or {})))
        first = self.objects(bucket)
        self.assertLessEqual({f"a//b/{name}" for name in ODD}, first.keys())
        for name in ODD[::2]:
            (self.workspace / "public" / name).write_text(f"second {name}")
        for name in ODD[1::4]:
            (self.workspace / "public" / name).unlink()
        shutil.copy(self.workspace / "public/index.html", self.workspace / "public/new +page.html")
        (self.workspace / "backend/changed.txt").write_text("second")
        self.good(self.run_step(inputs, env, **(job or {})))
        self.assertNotEqual(self.objects(bucket), first)
        self.good(self.run_step(inputs | {"command": "check"}, env, **(job or {})))
        self.good(self.run_step(inputs | {"command": "rollback"}, env, **(job or {})))
        self.assertEqual(self.objects(bucket), first)
        self.assertEqual(self.proxy.seen.refused, [])
        self.assertEqual(self.proxy.seen.unknown, [])
        for name in self.proxy.seen.asked:
            self.assertTrue(hosts.covers(hosts.find(name).certificate, name), f"AWS's certificate does not cover {name}")

    def asked(self, region, home=None, bucket=None, **variant):
        """The hosts that botocore would ask for the same work."""
        services = ("sts", "elasticbeanstalk") if region.startswith("us-gov-") else ("sts", "cloudfront", "elasticbeanstalk")
        names = {hosts.asked(service, region, **variant)[0] for service in services}
        names.add(hosts.asked("s3control", home or region, **variant)[0])
        for place in {region, home or region}:
            for name in (bucket or self.bucket, f"elasticbeanstalk-{region}-123456789012"):
                host = hosts.asked("s3", place, **variant, Bucket=name)[0]
                names.add("s3.us-east-1.amazonaws.com".join(host.rsplit("s3.amazonaws.com", 1)))
        return names


class Hosts(Deployed):
    """Each kind of address: the hosts are those that botocore asks."""

    def same_hosts(self, region, asked=5, **given):
        self.assertEqual(set(self.proxy.seen.asked) - self.asked(region, **given), set(), "botocore asks other hosts")
        self.assertGreaterEqual(len(self.proxy.seen.asked), asked, self.proxy.seen.asked)

    def test_virtual_hosts(self):
        for region in ("eu-central-1", "us-east-1", "ap-east-1"):
            with self.subTest(region):
                self.there_and_back(region)
                self.same_hosts(region)
                self.assertTrue(any(name.startswith("my-site.s3.") for name in self.proxy.seen.asked))

    def test_a_bucket_with_dots_is_asked_by_its_path(self):
        self.there_and_back("eu-central-1", bucket="www.example.com")
        self.same_hosts("eu-central-1", bucket="www.example.com")
        self.assertIn("s3.eu-central-1.amazonaws.com", self.proxy.seen.asked)

    def test_dual_stack(self):
        for region in ("eu-west-1", "us-east-1"):
            with self.subTest(region):
                self.there_and_back(region, env={"AWS_USE_DUALSTACK_ENDPOINT": "true"})
                self.same_hosts(region, dual_stack=True)
                self.assertIn(f"my-site.s3.dualstack.{region}.amazonaws.com", self.proxy.seen.asked)

    def test_fips(self):
        for region in ("us-east-2", "us-gov-west-1"):
            with self.subTest(region):
                self.there_and_back(region, env={"AWS_USE_FIPS_ENDPOINT": "true"})
                self.same_hosts(region, asked=4, fips=True)
                self.assertIn(f"my-site.s3-fips.{region}.amazonaws.com", self.proxy.seen.asked)

    def test_fips_and_dual_stack_and_a_bucket_with_dots(self):
        env = {"AWS_USE_FIPS_ENDPOINT": "true", "AWS_USE_DUALSTACK_ENDPOINT": "true"}
        self.there_and_back("us-east-2", bucket="www.example.com", env=env)
        self.same_hosts("us-east-2", bucket="www.example.com", fips=True, dual_stack=True)
        self.assertIn("s3-fips.dualstack.us-east-2.amazonaws.com", self.proxy.seen.asked)

    def test_china(self):
        for region in ("cn-north-1", "cn-northwest-1"):
            with self.subTest(region):
                self.there_and_back(region)
                self.same_hosts(region)
                self.assertIn("cloudfront.cn-northwest-1.amazonaws.com.cn", self.proxy.seen.asked)

    def test_the_european_sovereign_cloud(self):
        self.there_and_back("eusc-de-east-1")
        self.same_hosts("eusc-de-east-1")

    def test_an_endpoint_of_amazon_s_own_given_as_an_input(self):
        self.there_and_back("eu-central-1", **{"endpoint-url": "https://s3.eu-central-1.amazonaws.com"})
        self.assertIn("s3.eu-central-1.amazonaws.com", self.proxy.seen.asked)
        self.assertNotIn("my-site.s3.eu-central-1.amazonaws.com", self.proxy.seen.asked)

    def test_a_bucket_of_another_region(self):
        for home in ("eu-west-1", "us-east-1"):
            with self.subTest(home):
                self.there_and_back("eu-central-1", home=home)
                self.same_hosts("eu-central-1", home=home)
                self.assertIn(f"my-site.s3.{home}.amazonaws.com", self.proxy.seen.asked)

    def test_a_partition_without_fips(self):
        self.set_up("my-site", "cn-north-1")
        result = self.run_step({"aws-region": "cn-north-1", "bucket": "my-site", "source": "public"}, {"AWS_USE_FIPS_ENDPOINT": "true"})
        self.assertEqual(result["result"], "failure", result["log"])
        self.assertIn("FIPS", result["log"])


class Payloads(Deployed):
    """Each way in which a body is covered."""

    def test_small_and_large_uploads(self):
        self.set_up("my-site", "eu-central-1")
        (self.workspace / "public/middle.bin").write_bytes(b"m" * 400_000)
        (self.workspace / "public/large.bin").write_bytes(b"l" * (2 * PART + 7))
        self.good(self.run_step({"aws-region": "eu-central-1", "bucket": "my-site", "source": "public"}))
        payloads = self.proxy.seen.payloads
        self.assertIn(("PutObject", "unsigned"), payloads)
        self.assertTrue(any(operation == "UploadPart" for operation, _ in payloads), payloads)
        self.assertEqual(self.proxy.seen.refused, [])

    def test_a_bucket_that_denies_unsigned_payloads(self):
        statement = {
            "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::my-site/*",
            "Condition": {"StringEquals": {"s3:x-amz-content-sha256": "UNSIGNED-PAYLOAD"}},
        }  # fmt: skip
        self.set_up("my-site", "eu-central-1")
        self.control("s3/bucket", bucket="my-site", policy={"Version": "2012-10-17", "Statement": [statement]})
        self.good(self.run_step({"aws-region": "eu-central-1", "bucket": "my-site", "source": "public"}))
        self.assertIn(("PutObject", "hash"), self.proxy.seen.payloads)
        self.assertEqual(self.proxy.seen.refused, [])


class Credentials(Deployed):
    """Whose key signs."""

    def test_a_role_by_the_job_s_token(self):
        job = {"id_token": {"url": f"{self.proxy.server.endpoint}/_oidc/token?v=1", "token": "request-token"}}
        for region in ("eu-central-1", "cn-north-1"):
            with self.subTest(region):
                role = self.role.replace("arn:aws:", "arn:aws-cn:") if region.startswith("cn-") else self.role
                self.there_and_back(region, job=job, **{"role-to-assume": role})
                self.assertTrue(any(key.startswith("ASIA") for key in self.proxy.known))
                self.assertIn(hosts.asked("sts", region)[0], self.proxy.seen.asked)

    def test_a_role_by_keys(self):
        self.there_and_back("eu-central-1", **{"role-to-assume": self.role})
        self.assertTrue(any(key.startswith("ASIA") for key in self.proxy.known))

    def test_a_wrong_secret_is_refused(self):
        """The proxy can say no."""
        self.set_up("my-site", "eu-central-1")
        inputs = {"aws-region": "eu-central-1", "bucket": "my-site", "source": "public"}
        result = self.run_step(inputs, {"AWS_SECRET_ACCESS_KEY": "not-the-secret"})
        self.assertEqual(result["result"], "failure", result["log"])
        self.assertIn("SignatureDoesNotMatch", result["log"])
        self.assertNotEqual(self.proxy.seen.refused, [])
        self.assertEqual(self.objects("my-site"), {})

    def test_an_authority_that_is_not_trusted(self):
        """The binary can say no."""
        self.set_up("my-site", "eu-central-1")
        result = self.run_step({"aws-region": "eu-central-1", "bucket": "my-site", "source": "public"}, {"AWS_CA_BUNDLE": ""})
        self.assertIn("signed by an authority that is not trusted here", result["log"])
        self.assertEqual(self.proxy.seen.asked, {})


if __name__ == "__main__":
    unittest.main()
