"""setup/site.yaml and setup/backend.yaml: what they create, and the function that turns addresses into files."""

import json
import re
import shutil
import subprocess
import unittest
import urllib.parse
from pathlib import Path

import yaml

from setup.template import PSEUDO, Invalid, Template

PROJECT = Path(__file__).resolve().parents[2]
SITE = Template.read(PROJECT / "setup/site.yaml")
BACKEND = Template.read(PROJECT / "setup/backend.yaml")
TEMPLATES = {path.stem: Template.read(path) for path in sorted((PROJECT / "setup").glob("*.yaml"))}
PLATFORM = {"PlatformArn": "arn:aws:elasticbeanstalk:eu-west-1::platform/Python 3.13 running on 64bit Amazon Linux 2023/4.7.3"}
NAMES = {"ApplicationName": "my-app", "EnvironmentName": "my-app-prod"}

# An address, and the file that is asked of the bucket, or `-> ` and where the visitor is sent.
ADDRESSES = {
    "folders": {
        "/": "/index.html",
        "/about/": "/about/index.html",
        "/about": "-> /about/",
        "/a/b/c": "-> /a/b/c/",
        "/about/index.html": "/about/index.html",
        "/assets/app.3f2.js": "/assets/app.3f2.js",
        "/v1.2": "/v1.2",
        "/v1.2/": "/v1.2/index.html",
        "/v1.2/guide": "-> /v1.2/guide/",
        "/caf%C3%A9": "-> /caf%C3%A9/",
        "/.well-known/security": "/.well-known/security",
        "/.well-known/": "/.well-known/index.html",
        "/about?a=1&b=x%20y&a=2&flag": "-> /about/?a=1&a=2&b=x%20y&flag",
        "/about/?a=1": "/about/index.html",
        # Two slashes lead to another host in a Location header, and browsers take a backslash for one.
        "//example.com": "//example.com",
        "//example": "-> /example/",
        "/\\example": "-> /example/",
        "//example/%2e%2e": "-> /example/%2e%2e/",
    },
    "files": {
        "/": "/index.html",
        "/about": "/about.html",
        "/docs/guide": "/docs/guide.html",
        "/docs/": "/docs/index.html",
        "/app.css": "/app.css",
        "/.well-known/assetlinks": "/.well-known/assetlinks",
        "/about?a=1": "/about.html",
    },
    "single-page": {
        "/": "/index.html",
        "/settings": "/index.html",
        "/settings/profile/": "/index.html",
        "/users/octocat?tab=stars": "/index.html",
        "/assets/app.js": "/assets/app.js",
        "/favicon.ico": "/favicon.ico",
        "/.well-known/assetlinks": "/.well-known/assetlinks",
    },
}

RUN = """
const code = require('fs').readFileSync(0, 'utf8');
const events = JSON.parse(process.argv[1]);
const handler = new Function(code + '; return handler;')();
console.log(JSON.stringify(events.map((event) => handler(event))));
"""


def event(address):
    """The event of a request, as CloudFront passes it: a query's values are not decoded.

    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-event-structure.html
    """
    uri, _, text = address.partition("?")
    query = {}
    for pair in filter(None, text.split("&")):
        name, _, value = pair.partition("=")
        if name in query:
            query[name].setdefault("multiValue", [{"value": query[name]["value"]}]).append({"value": value})
        else:
            query[name] = {"value": value}
    request = {"method": "GET", "uri": uri, "querystring": query, "headers": {}, "cookies": {}}
    return {"version": "1.0", "context": {"eventType": "viewer-request"}, "request": request}


class PagesFunction(unittest.TestCase):
    """The function's code, run by Node.js for a table of addresses."""

    @classmethod
    def setUpClass(cls):
        if shutil.which("node") is None:
            raise unittest.SkipTest("NOT TESTED: the CloudFront function of setup/site.yaml, for there is no `node` here")

    def results(self, pages, addresses):
        code = SITE.resolve(Pages=pages).properties("PagesFunction")["FunctionCode"]
        done = subprocess.run(
            ["node", "-e", RUN, json.dumps(list(map(event, addresses)))], input=code, capture_output=True, text=True, check=False
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_addresses_become_files(self):
        for pages, addresses in ADDRESSES.items():
            for (address, wanted), result in zip(addresses.items(), self.results(pages, addresses), strict=True):
                with self.subTest(pages=pages, address=address):
                    if wanted.startswith("-> "):
                        self.assertEqual(result["statusCode"], 302)
                        self.assertEqual(result["headers"], {"location": {"value": wanted.removeprefix("-> ")}})
                    else:
                        self.assertEqual(result["uri"], wanted)
                        self.assertEqual(result, event(address)["request"] | {"uri": wanted}, "only the address changes")

    def test_every_kind_of_pages_is_in_the_table(self):
        self.assertEqual(list(ADDRESSES), SITE.parameters["Pages"]["AllowedValues"])

    def test_the_code_is_small_enough_for_cloudfront(self):
        # https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html#limits-functions
        self.assertLess(len(SITE.resolve().properties("PagesFunction")["FunctionCode"].encode()), 10_240)


class Site(unittest.TestCase):
    """The bucket is private, the distribution is what its policy names."""

    def test_nobody_reads_the_bucket_but_the_distribution(self):
        stack = SITE.resolve()
        block = stack.properties("Bucket")["PublicAccessBlockConfiguration"]
        self.assertEqual(set(block.values()), {True})
        self.assertEqual(len(block), 4)
        reads, hides = stack.properties("BucketPolicy")["PolicyDocument"]["Statement"]
        self.assertEqual((reads["Action"], reads["Principal"]), ("s3:GetObject", {"Service": "cloudfront.amazonaws.com"}))
        self.assertEqual(
            reads["Condition"],
            {"StringEquals": {"AWS:SourceArn": "arn:aws:cloudfront::123456789012:distribution/<Distribution>"}},
        )
        self.assertEqual(hides["Effect"], "Deny")
        self.assertEqual(hides["Action"], ["s3:GetObject", "s3:GetObjectVersion"])
        self.assertEqual(hides["Resource"], "<Bucket.Arn>/.aws-web-deploy/*")

    def test_what_a_rollback_needs(self):
        bucket = SITE.resolve(OldVersionDays="30").properties("Bucket")
        self.assertEqual(bucket["VersioningConfiguration"], {"Status": "Enabled"})
        [days] = [rule["NoncurrentVersionExpiration"] for rule in bucket["LifecycleConfiguration"]["Rules"] if rule["Id"] == "OldVersions"]
        self.assertEqual(days, {"NoncurrentDays": "30"})

    def test_the_error_page_keeps_its_status(self):
        for pages, page in {"folders": "/404.html", "files": "/404.html", "single-page": "/index.html"}.items():
            errors = SITE.resolve(Pages=pages).properties("Distribution")["DistributionConfig"]["CustomErrorResponses"]
            self.assertEqual([one["ErrorCode"] for one in errors], [403, 404])
            self.assertEqual({(one["ResponseCode"], one["ResponsePagePath"]) for one in errors}, {(404, page)})

    def test_the_domain_in_all_its_forms(self):
        certificate = "arn:aws:acm:us-east-1:123456789012:certificate/1"
        domain, zone = {"DomainName": "www.example.com"}, {"HostedZoneId": "Z0123456789ABC"}
        plain = SITE.resolve()
        self.assertEqual(plain.outputs()["SiteUrl"], "https://<Distribution.DomainName>/")
        self.assertNotIn("Aliases", plain.properties("Distribution")["DistributionConfig"])
        self.assertNotIn("Certificate", plain.resources())
        given = SITE.resolve(**domain, CertificateArn=certificate)
        config = given.properties("Distribution")["DistributionConfig"]
        self.assertEqual((config["Aliases"], config["ViewerCertificate"]["AcmCertificateArn"]), (["www.example.com"], certificate))
        self.assertEqual(given.resources().keys() & {"Certificate", "DnsRecord", "DnsRecordIpv6"}, set())
        self.assertEqual(given.outputs()["SiteUrl"], "https://www.example.com/")
        with_zone = SITE.resolve(**domain, **zone, CertificateArn=certificate)
        self.assertEqual([with_zone.properties(name)["Type"] for name in ("DnsRecord", "DnsRecordIpv6")], ["A", "AAAA"])
        for given, said in (
            (domain, "needs CertificateArn, or HostedZoneId"),
            (domain | zone, "only takes certificates of us-east-1"),
            (zone, "need DomainName"),
            ({"CertificateArn": certificate}, "need DomainName"),
        ):
            with self.subTest(given), self.assertRaisesRegex(Invalid, said):
                SITE.resolve(**given)
        with self.assertRaises(Invalid):
            SITE.resolve(**domain, CertificateArn="arn:aws:acm:eu-west-1:123456789012:certificate/1")

    def test_in_us_east_1_the_stack_requests_the_certificate(self):
        before = PSEUDO["AWS::Region"]
        self.addCleanup(PSEUDO.update, {"AWS::Region": before})
        PSEUDO["AWS::Region"] = "us-east-1"
        stack = SITE.resolve(DomainName="www.example.com", HostedZoneId="Z0123456789ABC")
        self.assertEqual(stack.properties("Certificate")["ValidationMethod"], "DNS")
        viewer = stack.properties("Distribution")["DistributionConfig"]["ViewerCertificate"]
        self.assertEqual(viewer["AcmCertificateArn"], "<Certificate>")


class Backend(unittest.TestCase):
    """The environment's settings."""

    def settings(self, **given):
        options = BACKEND.resolve(**NAMES | PLATFORM | given).properties("Environment")["OptionSettings"]
        named = {(option["Namespace"], option["OptionName"]): option["Value"] for option in options}
        self.assertEqual(len(named), len(options), "an option twice")
        return named

    def test_health_is_enhanced_and_roles_are_there(self):
        settings = self.settings()
        self.assertEqual(settings["aws:elasticbeanstalk:healthreporting:system", "SystemType"], "enhanced")
        self.assertEqual(settings["aws:elasticbeanstalk:environment", "ServiceRole"], "<ServiceRole.Arn>")
        self.assertEqual(settings["aws:autoscaling:launchconfiguration", "IamInstanceProfile"], "<InstanceProfile>")
        self.assertEqual(settings["aws:elasticbeanstalk:environment", "EnvironmentType"], "SingleInstance")

    def test_a_load_balancer_and_a_network_bring_their_settings(self):
        network = {"VpcId": "vpc-0a1b", "SubnetIds": "subnet-0a,subnet-0b"}
        single, balanced = self.settings(**network), self.settings(**network, EnvironmentType="LoadBalanced")
        self.assertEqual(single["aws:ec2:vpc", "Subnets"], "subnet-0a,subnet-0b")
        self.assertNotIn(("aws:ec2:vpc", "ELBSubnets"), single)
        self.assertEqual(balanced["aws:ec2:vpc", "ELBSubnets"], "subnet-0a,subnet-0b")
        self.assertEqual(balanced["aws:elasticbeanstalk:command", "DeploymentPolicy"], "RollingWithAdditionalBatch")
        self.assertEqual({key for key in self.settings() if key[0] == "aws:ec2:vpc"}, set())

    def test_the_platform_is_an_arn_or_a_solution_stack(self):
        stack = {"SolutionStackName": "64bit Amazon Linux 2023 v4.7.3 running Python 3.13"}
        by_arn = BACKEND.resolve(**NAMES, **PLATFORM).properties("Environment")
        by_name = BACKEND.resolve(**NAMES, **stack).properties("Environment")
        self.assertEqual(by_arn["PlatformArn"], PLATFORM["PlatformArn"])
        self.assertNotIn("SolutionStackName", by_arn)
        self.assertEqual(by_name["SolutionStackName"], stack["SolutionStackName"])
        self.assertNotIn("PlatformArn", by_name)
        self.assertNotIn("VersionLabel", by_arn)
        for given, said in (
            ({}, "Set PlatformArn or SolutionStackName"),
            (PLATFORM | stack, "not both"),
            (PLATFORM | {"VpcId": "vpc-0a1b"}, "needs SubnetIds"),
            (PLATFORM | {"SubnetIds": "subnet-0a"}, "need VpcId"),
        ):
            with self.subTest(given), self.assertRaisesRegex(Invalid, said):
                BACKEND.resolve(**NAMES, **given)


class All(unittest.TestCase):
    """What holds for each template."""

    def test_a_template_can_be_given_in_the_request(self):
        # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
        for path in (PROJECT / "setup").glob("*.yaml"):
            self.assertLess(path.stat().st_size, 51_200, path)

    def test_every_parameter_is_described_and_on_the_form(self):
        for name, template in TEMPLATES.items():
            with self.subTest(name):
                groups = template.body["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
                shown = [parameter for group in groups for parameter in group["Parameters"]]
                self.assertEqual(sorted(shown), sorted(template.parameters))
                for parameter, declared in template.parameters.items():
                    self.assertLess(len(declared["Description"]), 4_000, parameter)

    def test_the_commands_on_the_pages_are_good(self):
        found = {}
        for page in ("README.md", "docs/setup.md"):
            text = (PROJECT / page).read_text().replace("\\\n", " ")
            for name, rest in re.findall(r"aws cloudformation deploy .*?--template-file (?:setup/)?(\w+)\.yaml([^`\n]*)", text):
                found.setdefault(page, []).append(name)
                given = dict(re.findall(r'"?(\w+)=([^\s"]+)', rest.split("$(", 1)[0]))
                if "EnvironmentName" in given and name == "backend":
                    given["PlatformArn"] = PLATFORM["PlatformArn"]
                if "Outputs" in rest:
                    given |= {"Bucket": "my-site", "Distribution": "E1EXAMPLE", "SiteUrl": "https://www.example.com/"}
                self.assertIn("--capabilities CAPABILITY_IAM" if name != "site" else "", rest)
                TEMPLATES[name].resolve(**given)
        self.assertEqual(sorted(found["README.md"]), ["backend", "role", "site"])
        self.assertLessEqual({"site", "backend", "role"}, set(found["docs/setup.md"]))

    def test_the_first_page_has_the_four_commands(self):
        """Those of docs/setup.md, which the emulator runs (setup.fidelity), and no other before the step to paste."""

        def walk(page):
            text = (PROJECT / page).read_text().replace("\\\n", " ")
            blocks = re.findall(r"<!-- walk -->\n```sh\n(.*?)```", text, re.DOTALL)
            return [" ".join(line.split()) for block in blocks for line in block.splitlines()]

        self.assertEqual(len(walk("README.md")), 4)
        self.assertEqual(walk("README.md"), walk("docs/setup.md"))
        first = (PROJECT / "README.md").read_text().partition("<!-- walk -->")[2].partition("\n## ")[0]
        self.assertEqual(len(re.findall(r"```(?:sh|yaml)", first)), 2, "the commands, and the workflow that the step goes into")

    def test_each_template_has_a_launch_link(self):
        for page in ("README.md", "docs/setup.md"):
            links = re.findall(r"https://console\S*/stacks/quickcreate\?[^\s)]+", (PROJECT / page).read_text())
            found = {}
            for link in links:
                query = urllib.parse.parse_qs(link.partition("/quickcreate?")[2])
                [url], [stack] = query["templateURL"], query["stackName"]
                # CloudFormation takes templates from S3 alone.
                self.assertRegex(url, r"^https://[A-Za-z-]+\.s3(\.REGION)?\.amazonaws\.com/v1/\w+\.yaml$")
                name = Path(urllib.parse.urlsplit(url).path).stem
                given = {key.removeprefix("param_") for key in query if key.startswith("param_")}
                self.assertLessEqual(given, TEMPLATES[name].parameters.keys())
                found[name] = stack
            self.assertEqual(found, {"site": "my-site", "backend": "my-backend", "role": "my-role"}, page)

    def test_outputs_are_named_as_the_role_s_parameters(self):
        role = TEMPLATES["role"].parameters
        for name in ("site", "backend"):
            for output, declared in TEMPLATES[name].body["Outputs"].items():
                if "role.yaml" in declared["Description"] and output != "Step":
                    self.assertIn(output, role)

    def test_each_prints_a_step_with_inputs_of_the_action(self):
        known = yaml.safe_load((PROJECT / "action.yml").read_text())["inputs"]
        for stack, wanted in (
            (SITE.resolve(), {"aws-region", "bucket", "source", "distribution", "site-url"}),
            (BACKEND.resolve(**NAMES, **PLATFORM), {"aws-region", "application-name", "environment-name", "package"}),
        ):
            [step] = yaml.safe_load(stack.outputs()["Step"])
            self.assertEqual(step["with"].keys(), wanted)
            self.assertLessEqual(wanted, known.keys())
