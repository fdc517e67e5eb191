"""action-types.yml: every input and output of action.yml has the type that its description says."""

import sys
import unittest
from pathlib import Path

import yaml

PROJECT = Path(__file__).resolve().parents[2]
sys.path.append(str(PROJECT / "scripts"))  # behind tests/, whose package dist is not scripts/dist.py

import action_types  # noqa: E402


class Types(unittest.TestCase):
    """The committed file."""

    @classmethod
    def setUpClass(cls):
        cls.action = yaml.safe_load((PROJECT / "action.yml").read_text())
        cls.types = yaml.safe_load((PROJECT / "action-types.yml").read_text())

    def test_it_is_generated(self):
        self.assertEqual((PROJECT / "action-types.yml").read_text(), action_types.text(), "run `make docs`")

    def test_every_input_and_output_has_a_type(self):
        for kind in ("inputs", "outputs"):
            self.assertEqual(list(self.types[kind]), list(self.action[kind]), "run `make docs`")

    def test_the_types_are_those_of_the_specification(self):
        # https://github.com/typesafegithub/github-actions-typing#available-types
        for name, given in {**self.types["inputs"], **self.types["outputs"]}.items():
            with self.subTest(name):
                allowed = {"type"}
                if given["type"] == "list":
                    allowed |= {"separator", "list-item"}
                    self.assertTrue(given["separator"])
                    self.assertIn(given["list-item"]["type"], ("string", "enum"))
                if given["type"] == "enum":
                    allowed |= {"allowed-values"}
                    self.assertGreater(len(given["allowed-values"]), 1)
                self.assertIn(given["type"], ("string", "boolean", "integer", "float", "list", "enum"))
                self.assertEqual(given.keys(), allowed)

    def test_types_follow_from_descriptions(self):
        inputs = self.types["inputs"]
        self.assertEqual(inputs["command"], {"type": "enum", "allowed-values": ["deploy", "rollback", "check"]})
        self.assertEqual(inputs["when-busy"]["allowed-values"], ["wait", "abort", "fail"])
        self.assertEqual(inputs["accepted-health"]["list-item"]["allowed-values"], ["Green", "Yellow", "Red", "Grey"])
        self.assertEqual(inputs["exclude"], {"type": "list", "separator": "\n", "list-item": {"type": "string"}})
        self.assertEqual(inputs["wait_for_deployment"], {"type": "boolean"})
        self.assertEqual(inputs["use_existing_version_if_available"], {"type": "boolean"})
        self.assertEqual(inputs["deployment-timeout"], {"type": "integer"})
        self.assertEqual(inputs["max-delete"], {"type": "string"})
