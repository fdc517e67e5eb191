"""The README names everything that a test may order."""

import unittest
from dataclasses import fields
from pathlib import Path

from cloud.aws.traits import Traits
from cloud.beanstalk import logtexts, scenarios
from cloud.beanstalk.region import Scenario
from cloud.control import Control
from cloud.faults import KINDS, Fault
from cloud.github import MODES

_README = (Path(__file__).parents[1] / "README.md").read_text()


class Readme(unittest.TestCase):
    """Names that are in the code."""

    def assert_named(self, names: list[str]) -> None:
        """Each of the names stands in the README, as code."""
        for name in names:
            self.assertRegex(_README, f"`[^`\n]*\\b{name}\\b[^`\n]*`", name)

    def test_control_calls(self) -> None:
        control = Control(lambda: self.fail("no state is needed"), lambda: None)
        self.assert_named(sorted({path for _, path in control.routes}))

    def test_faults(self) -> None:
        self.assert_named([*KINDS, *(each.name for each in fields(Fault))])

    def test_scenarios(self) -> None:
        settings = [each.name for each in fields(Scenario) if each.name != "name"]
        self.assert_named([*scenarios.names(), *settings, *logtexts.causes(), *logtexts.platforms()])

    def test_settings(self) -> None:
        self.assert_named([*MODES, *(each.name for each in fields(Traits))])


if __name__ == "__main__":
    unittest.main()
