"""setup/role.yaml: who may assume the role, what it may do, and the step that is printed."""

import itertools
import json
import re
import unittest
from pathlib import Path

import yaml

from setup.template import Invalid, Template

PROJECT = Path(__file__).resolve().parents[2]
ROLE = Template.read(PROJECT / "setup/role.yaml")
ISSUER = "token.actions.githubusercontent.com"
REPOSITORY = {"Repository": "octo-org/octo-repo"}

# The parameters of the steps that docs/permissions.md prints the policies of.
DOCUMENTED = {
    "site": {"Bucket": "my-site", "OnFailure": "keep"},
    "site-cdn": {
        "Bucket": "my-site", "Prefix": "docs/", "Acl": "public-read", "Delete": "true",
        "Distribution": "E1EXAMPLE", "WaitForInvalidation": "true",
    },
    "cdn": {"Distribution": "E1EXAMPLE"},
    "backend": {"ApplicationName": "my-app", "EnvironmentName": "my-app-prod"},
}  # fmt: skip

# Values that switch each option of the policy on.
OPTIONS = {
    "Bucket": "my-site", "Prefix": "docs/", "Acl": "public-read", "Delete": "true", "Distribution": "E1EXAMPLE",
    "WaitForInvalidation": "true", "ApplicationName": "my-app", "EnvironmentName": "my-app-prod", "OnFailure": "keep",
    "PackageBucket": "my-bundles", "KeepVersions": "20", "WhenBusy": "abort",
}
ADDRESS = {"SiteUrl": "https://www.example.com/"}  # fmt: skip


def documented(name):
    """The policy under `<!-- generated: NAME -->` in docs/permissions.md, which the program made."""
    text = (PROJECT / "docs/permissions.md").read_text()
    return json.loads(re.search(rf"<!-- generated: {name} -->\n```json\n(.*?)```", text, re.DOTALL)[1])


def role(**parameters):
    """The role's properties."""
    return ROLE.resolve(**REPOSITORY | parameters).properties("Role")


def policy(**parameters):
    """The role's own policy."""
    [inline] = role(**parameters)["Policies"]
    return inline["PolicyDocument"]


def trust(**parameters):
    """The one statement of the trust policy."""
    [statement] = role(Bucket="my-site", **parameters)["AssumeRolePolicyDocument"]["Statement"]
    return statement


def subjects(**parameters):
    """The subjects that may assume the role."""
    return trust(**parameters)["Condition"]["StringEquals"][f"{ISSUER}:sub"]


class Policy(unittest.TestCase):
    """What the role may do is what the program prints."""

    maxDiff = None

    def test_the_policies_are_those_that_the_program_prints(self):
        for name, parameters in DOCUMENTED.items():
            with self.subTest(name):
                self.assertEqual(policy(**parameters), documented(name), "setup/role.yaml has other statements")

    def test_each_part_adds_statements_and_changes_none_of_another(self):
        parts = [DOCUMENTED["site"], DOCUMENTED["cdn"], DOCUMENTED["backend"]]
        together = policy(**parts[0] | parts[1] | parts[2])["Statement"]
        alone = [statement for part in parts for statement in policy(**part)["Statement"]]
        # What needs both a site and a distribution.
        both = ("CachePolicies", "DistributionCheck")
        self.assertEqual([one for one in together if one["Sid"] not in both], alone)

    def test_every_combination_of_options_is_a_policy(self):
        """No empty list, no doubled action, sorted as printed, and small enough for IAM."""
        for chosen in itertools.product([True, False], repeat=len(OPTIONS)):
            given = {name: value for (name, value), on in zip(OPTIONS.items(), chosen, strict=True) if on}
            try:
                document = policy(**given)
            except Invalid:
                continue
            self.assertTrue(document["Statement"], given)
            # Without white space: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
            self.assertLess(len(json.dumps(document, separators=(",", ":"))), 10_240)
            for statement in document["Statement"]:
                actions = statement["Action"]
                self.assertTrue(actions and statement["Resource"], statement)
                self.assertEqual(actions, sorted(set(actions)), given)

    def test_an_update_of_an_environment_gets_aws_s_policy_or_the_given_one(self):
        managed = "arn:aws:iam::aws:policy/AdministratorAccess-AWSElasticBeanstalk"
        mine = "arn:aws:iam::123456789012:policy/narrow"
        backend = DOCUMENTED["backend"]
        self.assertEqual(role(**backend)["ManagedPolicyArns"], [managed])
        self.assertEqual(role(**backend, BeanstalkPolicyArn=mine)["ManagedPolicyArns"], [mine])
        self.assertEqual(role(ApplicationName="my-app")["ManagedPolicyArns"], [])
        self.assertEqual(role(Bucket="my-site")["ManagedPolicyArns"], [])


    def test_the_narrower_policy_is_narrow_and_fits_into_one(self):
        text = (PROJECT / "docs/permissions.md").read_text()
        document = json.loads(re.search(r"<!-- narrow -->\n```json\n(.*?)```", text, re.DOTALL)[1])
        # A managed policy without white space: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
        self.assertLess(len(json.dumps(document, separators=(",", ":"))), 6_144)
        for statement in document["Statement"]:
            actions, resources = ([one] if isinstance(one, str) else one for one in (statement["Action"], statement["Resource"]))
            self.assertEqual(actions, sorted(set(actions)))
            reads = all(re.fullmatch(r"\w+:Describe\w+", action) for action in actions)
            for resource in resources:
                if resource == "*":
                    self.assertTrue(reads or "Condition" in statement, statement)
                else:
                    self.assertIn("123456789012", resource)
            self.assertFalse([action for action in actions if "*" in action])
        self.assertNotIn("elasticbeanstalk:", json.dumps(document).replace("elasticbeanstalk.amazonaws.com", ""))


class Trust(unittest.TestCase):
    """Who may assume the role."""

    def test_one_branch_of_one_repository(self):
        self.assertEqual(subjects(), ["repo:octo-org/octo-repo:ref:refs/heads/main"])
        self.assertEqual(subjects(Branch="release/1"), ["repo:octo-org/octo-repo:ref:refs/heads/release/1"])
        statement = trust()
        self.assertEqual(statement["Action"], "sts:AssumeRoleWithWebIdentity")
        self.assertEqual(statement["Condition"].keys(), {"StringEquals"})
        self.assertEqual(statement["Condition"]["StringEquals"][f"{ISSUER}:aud"], "sts.amazonaws.com")

    def test_both_forms_of_the_subject(self):
        ids = {"OwnerId": "123456", "RepositoryId": "456789"}
        self.assertEqual(
            subjects(**ids),
            [
                "repo:octo-org/octo-repo:ref:refs/heads/main",
                "repo:octo-org@123456/octo-repo@456789:ref:refs/heads/main",
            ],
        )
        self.assertEqual(
            subjects(**ids, JobEnvironment="production"),
            [
                "repo:octo-org/octo-repo:environment:production",
                "repo:octo-org@123456/octo-repo@456789:environment:production",
            ],
        )

    def test_the_provider_is_created_unless_there_is_one(self):
        created = ROLE.resolve(**REPOSITORY, Bucket="my-site")
        self.assertEqual(
            created.properties("OidcProvider"), {"Url": f"https://{ISSUER}", "ClientIdList": ["sts.amazonaws.com"]}
        )
        self.assertEqual(trust()["Principal"], {"Federated": "<OidcProvider>"})
        existing = ROLE.resolve(**REPOSITORY, Bucket="my-site", CreateOidcProvider="false")
        self.assertNotIn("OidcProvider", existing.resources())
        self.assertEqual(
            trust(CreateOidcProvider="false")["Principal"],
            {"Federated": f"arn:aws:iam::123456789012:oidc-provider/{ISSUER}"},
        )

    def test_wildcards_and_variables_of_policies_are_refused(self):
        for given in (
            {"Repository": "octo-org/*"},
            {"Repository": "*/octo-repo"},
            {"Repository": "octo-org/octo-repo:ref:x"},
            {"Branch": "*"},
            {"Branch": "${aws:username}"},
            {"JobEnvironment": "prod*"},
            {"Bucket": "my-*"},
            {"Prefix": "docs/*/"},
            {"Prefix": "docs"},
            # Their records are in `keys./`, `docs/releases../` and `site./`: what the program prints is not what this would.
            {"Prefix": "keys/"},
            {"Prefix": "docs/releases./v1/"},
            {"ApplicationName": "site"},
            {"ApplicationName": "history."},
            {"Prefix": "/"},
            {"Prefix": "${aws:username}/"},
            {"Distribution": "*"},
            {"ApplicationName": "my-*"},
            {"ApplicationName": 'my"app'},
            {"EnvironmentName": "my-app-*"},
            {"PackageBucket": "*"},
        ):
            with self.subTest(given), self.assertRaises(Invalid):
                ROLE.resolve(**REPOSITORY | {"Bucket": "my-site", "ApplicationName": "my-app"} | given)

    def test_parameters_that_need_others_say_so(self):
        for given, said in (
            ({}, "at least one of"),
            ({"Bucket": "my-site", "OwnerId": "1"}, "RepositoryId must be set"),
            ({"Bucket": "my-site", "RepositoryId": "1"}, "OwnerId must be set"),
            ({"Bucket": "my-site", "EnvironmentName": "my-app-prod"}, "ApplicationName must be set"),
        ):
            with self.subTest(given), self.assertRaisesRegex(Invalid, said):
                ROLE.resolve(**REPOSITORY | given)


class Step(unittest.TestCase):
    """The step that the stack prints can be pasted."""

    def step(self, **parameters):
        text = ROLE.resolve(**REPOSITORY | parameters).outputs()["Step"]
        [step] = yaml.safe_load(text)
        self.assertEqual(step.keys(), {"uses", "with"})
        self.assertRegex(step["uses"], r"^OWNER/aws-web-deploy@v\d+$")
        return step["with"]

    def test_its_inputs_are_the_chosen_ones(self):
        always = {"aws-region": "eu-west-1", "role-to-assume": "<Role.Arn>"}
        site = {"bucket": "my-site", "source": "public"}
        back = {"on-failure": "rollback"}
        self.assertEqual(self.step(Bucket="my-site"), always | site | back)
        self.assertEqual(self.step(Bucket="my-site", OnFailure="keep"), always | site)
        self.assertEqual(self.step(Distribution="E1"), always | {"distribution": "E1", "paths": "/*"})
        self.assertEqual(
            self.step(ApplicationName="My app: new", EnvironmentName="my-app-prod"),
            always | {"application-name": "My app: new", "environment-name": "my-app-prod", "package": "."} | back,
        )
        self.assertEqual(
            self.step(**OPTIONS, **ADDRESS),
            always | site | {
                "site-url": "https://www.example.com/",
                "prefix": "docs/", "acl": "public-read", "delete": True, "distribution": "E1EXAMPLE",
                "wait-for-invalidation": True, "application-name": "my-app", "environment-name": "my-app-prod",
                "package": ".", "package-bucket": "my-bundles", "keep-versions": 20, "when-busy": "abort",
            },
        )  # fmt: skip

    def test_they_are_inputs_of_the_action_with_their_values(self):
        known = yaml.safe_load((PROJECT / "action-types.yml").read_text())["inputs"]
        self.assertLessEqual(self.step(**OPTIONS, **ADDRESS).keys(), known.keys())
        for parameter, name in (("Acl", "acl"), ("WhenBusy", "when-busy"), ("OnFailure", "on-failure")):
            values = [value for value in ROLE.parameters[parameter]["AllowedValues"] if value]
            self.assertEqual(values, known[name]["allowed-values"])

    def test_it_says_what_the_job_needs(self):
        def said(**given):
            return ROLE.resolve(**REPOSITORY, Bucket="b", **given).outputs()["Step"].splitlines()[0]

        self.assertEqual(said(), "# The job needs `permissions: { contents: read, id-token: write }`.")
        self.assertEqual(
            said(JobEnvironment="production"),
            "# The job needs `permissions: { contents: read, id-token: write }` and `environment: production`.",
        )
