"""Launches the templates on an emulator, by the commands of docs/setup.md, and visits the site that the step deployed.

    python -m setup.fidelity        (in tests/; `make fidelity-templates` installs the emulator and runs it)

FIDELITY_BINARY names another binary than that of dist/, such as target/debug/aws-web-deploy.

The emulator (emulator.py) judges trust policies, role policies and bucket policies, and runs the function: what a
visitor gets here went through all of them.
"""

import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import unittest
import urllib.error
import urllib.request
from pathlib import Path

import yaml
from botocore.exceptions import ClientError, WaiterError

from setup.account import ISSUER, PROJECT, REGION, TESTS, Emulated, GitHub
from setup.template import PSEUDO, Template

BINARY = os.environ.get("FIDELITY_BINARY")
ARCHITECTURE = "ARM64" if os.uname().machine in ("aarch64", "arm64") else "X64"
PLATFORM = "arn:aws:elasticbeanstalk:eu-central-1::platform/Python 3.13 running on 64bit Amazon Linux 2023/4.7.3"


class Walk(Emulated):
    """docs/setup.md, read as a new user would: from an empty account to a page in the browser."""

    def test_four_commands_and_one_pasted_step(self):
        page = (PROJECT / "docs/setup.md").read_text()
        commands = re.findall(r"<!-- walk -->\n```sh\n(.*?)```", page, re.DOTALL)
        self.assertEqual(len(commands), 4)
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        # The first command fetches what is in setup/; there is no network here.
        names = re.search(r"/setup/\{([\w,]+)\}\.yaml", commands[0])[1].split(",")
        self.assertEqual(sorted(names), sorted(path.stem for path in (PROJECT / "setup").glob("*.yaml")))
        for name in names:
            shutil.copy(PROJECT / f"setup/{name}.yaml", folder)
        for command in commands[1:]:
            done = subprocess.run(["bash", "-euc", command], cwd=folder, env=self.environment, capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, f"{command}\n{done.stdout}{done.stderr}")
        step = done.stdout
        workflow = re.search(r"```yaml\n(name: Deploy\n.*?)```", page, re.DOTALL)[1]
        before, marker, _ = workflow.partition("      # Paste the step here.\n")
        self.assertTrue(marker)
        pasted = before + "".join(f"      {line}\n" for line in step.strip().splitlines())
        [site] = self.client("cloudformation").describe_stacks(StackName="my-site")["Stacks"]
        outputs = {output["OutputKey"]: output["OutputValue"] for output in site["Outputs"]}

        # Before anything is deployed: nothing to warn of.
        fresh = self.run_workflow(folder, f"{pasted}          command: check\n", "repo:octo-org/octo-repo:ref:refs/heads/main", 0)
        self.assertEqual(fresh["result"], "success", fresh["log"])
        self.assertEqual(self.complaints(fresh), [])
        # Older repositories' subject, then the one with ids.
        for number, subject in enumerate(("octo-org/octo-repo", "octo-org@123456/octo-repo@456789"), 1):
            result = self.run_workflow(folder, pasted, f"repo:{subject}:ref:refs/heads/main", number)
            self.assertEqual(result["result"], "success", result["log"])
        checked = self.run_workflow(folder, f"{pasted}          command: check\n", "repo:octo-org/octo-repo:ref:refs/heads/main", 4)
        self.assertEqual(checked["result"], "success", checked["log"])
        self.assertEqual([one for one in checked["commands"] if one.get("command") in ("warning", "error")], [], checked["log"])
        self.assertEqual(self.complaints(checked), [])
        self.assertNotIn("allow <code>", checked["summary"], "the role may read all that `check` reads")
        # What a visitor would get, says the program; the visits below say the same.
        self.assertRegex(checked["summary"], r"✅ \| visitors of .* shows the site")
        printed = json.loads(re.search(r"^\{\n  \"Version\".*?^\}", checked["log"], re.DOTALL | re.MULTILINE)[0])
        self.assertEqual(printed, self.role_policy("my-site-role"), "the template and `command: check` differ")
        foreign = self.run_workflow(folder, pasted, "repo:octo-org/other:ref:refs/heads/main", 3)
        self.assertEqual(foreign["result"], "failure")
        self.assertIn("trust policy lets this job in", foreign["log"])

        url = outputs["SiteUrl"]
        for path, status, text in (
            ("", 200, (PROJECT / "examples/site/index.html").read_text()),
            ("about/", 200, (PROJECT / "examples/site/about/index.html").read_text()),
            ("nothing/here.html", 404, (PROJECT / "examples/site/404.html").read_text()),
        ):
            self.assertEqual(self.visit(url + path)[::2], (status, text), path)
        self.assertEqual(self.visit(f"{url}about?a=1")[1]["location"], "/about/?a=1")
        headers = self.visit(url)[1]
        self.assertIn("max-age", headers["strict-transport-security"])
        self.assertEqual(headers["x-content-type-options"], "nosniff")
        self.assertEqual(self.visit(url, scheme="http")[0], 301)
        self.assertEqual(self.visit(url, method="POST")[0], 403)

        # Records are there, and no visitor sees them.
        objects = self.client("s3").list_objects_v2(Bucket=outputs["Bucket"], Prefix=".aws-web-deploy/")["Contents"]
        self.assertGreaterEqual(len(objects), 2)
        for one in objects:
            self.assertEqual(self.visit(url + one["Key"])[0], 404, one["Key"])
        # Nor anything past the distribution.
        with self.assertRaises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(f"{self.endpoint}/{outputs['Bucket']}/index.html", timeout=20)
        self.addCleanup(caught.exception.close)
        self.assertEqual(caught.exception.code, 403)

    def complaints(self, run):
        """Problems and warnings in the summary. The distribution's name is in nobody's DNS here, which is one of the address."""
        rows = [line for line in run["summary"].splitlines() if re.match(r"\| (?:⚠️|❌) \|", line)]
        return [row for row in rows if "cloudfront.net" not in row or "cannot be resolved" not in row]

    def role_policy(self, stack):
        """The policy of the role that a stack created."""
        [described] = self.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
        [arn] = [output["OutputValue"] for output in described["Outputs"] if output["OutputKey"] == "RoleToAssume"]
        name = arn.rpartition("/")[2]
        return self.client("iam").get_role_policy(RoleName=name, PolicyName="aws-web-deploy")["PolicyDocument"]

    def action(self, folder):
        """The action: this checkout, or a copy with another binary."""
        if BINARY is None:
            return PROJECT
        copy = folder / "action"
        if not copy.exists():
            shutil.copytree(PROJECT / "dist", copy / "dist", ignore=shutil.ignore_patterns("aws-web-deploy-*"))
            shutil.copy(PROJECT / "action.yml", copy)
            shutil.copy(BINARY, copy / f"dist/aws-web-deploy-linux-{ARCHITECTURE.lower()}")
        return copy

    def run_workflow(self, folder, workflow, subject, number):
        """The workflow with the pasted step, as a job with that subject."""
        GitHub.subject = subject
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), GitHub)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        checkout = folder / "checkout"
        if not checkout.exists():
            shutil.copytree(PROJECT / "examples/site", checkout / "public")
        path = folder / "deploy.yml"
        path.write_text(workflow)
        job = folder / f"job-{number}.json"
        job.write_text(json.dumps({
            "action": str(self.action(folder)), "checkout": str(checkout),
            "workspace": str(folder / f"workspace-{number}"), "temp": str(folder / f"temp-{number}"),
            "runner": {"arch": ARCHITECTURE}, "env": {"AWS_ENDPOINT_URL": self.endpoint},
            "github": {"run_id": str(number), "run_number": str(number), "api_url": f"http://127.0.0.1:{server.server_port}"},
            "id_token": {"url": f"http://127.0.0.1:{server.server_port}/token?v=1", "token": "request-token"},
        }))  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "runner", job, "--workflow", path], cwd=TESTS, stdout=subprocess.PIPE, check=True
        )
        return json.loads(done.stdout)


class Role(Emulated):
    """role.yaml: its policies are judged."""

    ours = "repo:octo-org/octo-repo:ref:refs/heads/main"

    def test_only_the_chosen_jobs_may_assume_it(self):
        ids = {"OwnerId": "123456", "RepositoryId": "456789"}
        role = self.launch("role", Repository="octo-org/octo-repo", Bucket="my-site", **ids)["RoleToAssume"]
        self.assume(role, self.ours)
        self.assume(role, "repo:octo-org@123456/octo-repo@456789:ref:refs/heads/main")
        for subject in (
            "repo:octo-org/octo-repo:pull_request",
            "repo:octo-org/octo-repo:ref:refs/heads/main2",
            "repo:octo-org/octo-repo:environment:main",
            "repo:octo-org/octo-repo2:ref:refs/heads/main",
            "repo:octo-org@1/octo-repo@456789:ref:refs/heads/main",
            "repo:octo-org@123456/octo-repo@1:ref:refs/heads/main",
        ):
            self.refused(self.assume, role=role, subject=subject)
        self.refused(self.assume, role=role, subject=self.ours, audience="https://github.com/octo-org")

    def test_an_environment_s_jobs_instead_of_a_branch_s(self):
        role = self.launch("role", Repository="octo-org/octo-repo", Bucket="my-site", JobEnvironment="production")["RoleToAssume"]
        self.assume(role, "repo:octo-org/octo-repo:environment:production")
        self.refused(self.assume, role=role, subject=self.ours)

    def test_it_may_deploy_its_site_and_nothing_else(self):
        for bucket in ("my-site", "other"):
            self.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        role = self.launch("role", Repository="octo-org/octo-repo", Bucket="my-site", Prefix="docs/")["RoleToAssume"]
        credentials = self.assume(role, self.ours)
        s3 = self.client("s3", **credentials)
        s3.put_object(Bucket="my-site", Key="docs/index.html", Body=b"x")
        s3.put_object(Bucket="my-site", Key=".aws-web-deploy/site/docs/releases/1.json", Body=b"x")
        s3.list_objects_v2(Bucket="my-site", Prefix="docs/")
        s3.list_objects_v2(Bucket="my-site", Prefix=".aws-web-deploy/site/docs/releases/")
        self.refused(s3.list_objects_v2, Bucket="my-site")
        self.refused(s3.put_object, Bucket="my-site", Key="index.html", Body=b"x")
        self.refused(s3.put_object, Bucket="my-site", Key=".aws-web-deploy/site/other/releases/1.json", Body=b"x")
        self.refused(s3.put_object, Bucket="other", Key="docs/index.html", Body=b"x")
        self.refused(s3.put_bucket_versioning, Bucket="my-site", VersioningConfiguration={"Status": "Suspended"})
        self.refused(self.client("iam", **credentials).list_roles)

    def test_its_policy_is_what_the_other_tests_take_it_for(self):
        template = Template.read(PROJECT / "setup/role.yaml")
        everything = {
            "Bucket": "my-site", "Prefix": "docs/", "Acl": "public-read", "Delete": "true", "Distribution": "E1EXAMPLE",
            "WaitForInvalidation": "true", "ApplicationName": "my-app", "EnvironmentName": "my-app-prod",
            "PackageBucket": "my-bundles", "KeepVersions": "20", "WhenBusy": "abort", "OwnerId": "1", "RepositoryId": "2",
        }  # fmt: skip
        some = {"Bucket": "my-site", "ApplicationName": "my-app", "CreateOidcProvider": "false"}
        for number, given in enumerate((everything, some)):
            parameters = {"Repository": "octo-org/octo-repo"} | given
            outputs = self.launch("role", f"stack-{number}", PSEUDO["AWS::Region"], **parameters)
            name = outputs["RoleToAssume"].rpartition("/")[2]
            iam = self.client("iam")
            stack = template.resolve(**parameters)
            role = stack.properties("Role")
            self.assertEqual(
                iam.get_role_policy(RoleName=name, PolicyName="aws-web-deploy")["PolicyDocument"], role["Policies"][0]["PolicyDocument"]
            )
            described = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]["Statement"][0]
            wanted = role["AssumeRolePolicyDocument"]["Statement"][0]
            self.assertEqual(described["Condition"], wanted["Condition"])
            self.assertTrue(described["Principal"]["Federated"].endswith(":oidc-provider/token.actions.githubusercontent.com"))
            attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
            self.assertEqual([policy["PolicyArn"] for policy in attached], role["ManagedPolicyArns"])
            self.assertEqual(outputs["Step"], stack.outputs()["Step"].replace("<Role.Arn>", outputs["RoleToAssume"]))

    def test_an_identity_provider_that_exists(self):
        iam = self.client("iam")
        iam.create_open_id_connect_provider(Url=ISSUER, ClientIDList=["sts.amazonaws.com"])
        given = {"Repository": "octo-org/octo-repo", "Bucket": "my-site"}
        with self.assertRaises(WaiterError):
            self.launch("role", "fails", **given)
        events = self.client("cloudformation").describe_stack_events(StackName="fails")["StackEvents"]
        self.assertTrue(any("already exists" in event.get("ResourceStatusReason", "") for event in events))
        role = self.launch("role", **given, CreateOidcProvider="false")["RoleToAssume"]
        self.assume(role, self.ours)
        self.delete("my-stack")
        self.assertEqual(len(iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]), 1)

    def test_the_provider_outlives_the_stack(self):
        self.launch("role", Repository="octo-org/octo-repo", Bucket="my-site")
        self.delete("my-stack")
        self.assertEqual(len(self.client("iam").list_open_id_connect_providers()["OpenIDConnectProviderList"]), 1)

    def delete(self, stack):
        formation = self.client("cloudformation")
        formation.delete_stack(StackName=stack)
        formation.get_waiter("stack_delete_complete").wait(StackName=stack, WaiterConfig={"Delay": 1, "MaxAttempts": 60})


class Site(Emulated):
    """site.yaml: what visitors get."""

    def deployed(self, **parameters):
        outputs = self.launch("site", **parameters)
        s3 = self.client("s3")
        for key in ("index.html", "about/index.html", "pricing.html", "404.html", "assets/app.js", ".well-known/security.txt"):
            s3.put_object(Bucket=outputs["Bucket"], Key=key, Body=key.encode(), ContentType="text/html")
        return outputs

    def test_each_kind_of_pages(self):
        expected = {
            "folders": {
                "": (200, "index.html"), "about/": (200, "about/index.html"), "about": (302, ""), "pricing": (302, ""),
                "assets/app.js": (200, "assets/app.js"), "missing/": (404, "404.html"), "missing.js": (404, "404.html"),
                ".well-known/security.txt": (200, ".well-known/security.txt"),
            },
            "files": {
                "": (200, "index.html"), "pricing": (200, "pricing.html"), "about": (404, "404.html"),
                "about/": (200, "about/index.html"), "missing": (404, "404.html"),
            },
            "single-page": {
                "": (200, "index.html"), "settings": (200, "index.html"), "settings/profile/": (200, "index.html"),
                "assets/app.js": (200, "assets/app.js"), "assets/gone.js": (404, "index.html"),
            },
        }  # fmt: skip
        for pages, visits in expected.items():
            url = self.deployed(Pages=pages, stack=f"my-{pages}")["SiteUrl"]
            for path, wanted in visits.items():
                with self.subTest(pages=pages, path=path):
                    self.assertEqual(self.visit(url + path)[::2], wanted)

    def test_the_bucket_outlives_the_stack(self):
        outputs = self.deployed()
        s3, formation = self.client("s3"), self.client("cloudformation")
        self.assertEqual(s3.get_bucket_versioning(Bucket=outputs["Bucket"])["Status"], "Enabled")
        formation.delete_stack(StackName="my-stack")
        formation.get_waiter("stack_delete_complete").wait(StackName="my-stack", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
        self.assertEqual(s3.get_object(Bucket=outputs["Bucket"], Key="index.html")["Body"].read(), b"index.html")
        self.assertEqual(self.client("cloudfront").list_distributions()["DistributionList"].get("Quantity", 0), 0)

    def test_two_stacks_of_one_name_in_two_regions(self):
        self.launch("site")
        self.launch("site", region="us-east-1")

    def test_a_domain_in_route_53(self):
        zone = self.client("route53").create_hosted_zone(Name="example.com", CallerReference="1")["HostedZone"]["Id"].rpartition("/")[2]
        given = {"DomainName": "www.example.com", "HostedZoneId": zone}
        with self.assertRaisesRegex(ClientError, "us-east-1"):
            self.launch("site", **given)
        outputs = self.launch("site", region="us-east-1", **given)
        self.assertEqual(outputs["SiteUrl"], "https://www.example.com/")
        records = self.client("route53").list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
        targets = {record["Type"]: record["AliasTarget"]["DNSName"].rstrip(".") for record in records if "AliasTarget" in record}
        self.assertEqual(targets, dict.fromkeys(("A", "AAAA"), outputs["DistributionDomainName"]))
        config = self.client("cloudfront").get_distribution_config(Id=outputs["Distribution"])["DistributionConfig"]
        self.assertEqual(config["Aliases"]["Items"], ["www.example.com"])


class Backend(Emulated):
    """backend.yaml: that it resolves. The emulator knows no Elastic Beanstalk, only the names of its resources."""

    def test_the_step_fits_the_role(self):
        given = {"ApplicationName": "my-app", "EnvironmentName": "my-app-prod", "PlatformArn": PLATFORM}
        outputs = self.launch("backend", "my-backend", **given)
        self.assertEqual((outputs["ApplicationName"], outputs["EnvironmentName"]), ("my-app", "my-app-prod"))
        role = self.launch(
            "role", Repository="octo-org/octo-repo", **{name: outputs[name] for name in ("ApplicationName", "EnvironmentName")}
        )
        of_backend, of_role = (yaml.safe_load(step)[0]["with"] for step in (outputs["Step"], role["Step"]))
        ours = {"role-to-assume": role["RoleToAssume"], "on-failure": "rollback"}
        self.assertEqual(of_role, of_backend | ours)


if __name__ == "__main__":
    unittest.main()
