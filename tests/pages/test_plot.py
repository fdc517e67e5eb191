"""The benchmarks' plot names the versions of the tools that were measured."""

import json
import sys
import unittest

from pages import PROJECT

sys.path.append(str(PROJECT))

from bench import plot  # noqa: E402
from bench.tools import PEERS, version  # noqa: E402


class Plot(unittest.TestCase):
    """Drawn from what is published."""

    def test_it_names_every_tool_with_its_version(self):
        rows = json.loads((PROJECT / "docs/benchmarks.json").read_text())["rows"]
        versions = {"aws-web-deploy": "1.0.0", "aws-cli": "1.46.3", "s5cmd": "2.3.0", "rclone, tuned": "1.75.2"}
        drawn = plot.draw(rows, versions, "garage 2.5.0")
        self.assertIn("aws-web-deploy 1.0.0, aws-cli 1.46.3, s5cmd 2.3.0, rclone 1.75.2", drawn)
        self.assertIn('fill="#1a7f64"', drawn)

    def test_a_version_is_read_from_whatever_a_tool_prints(self):
        for shown in ("aws-cli/1.46.3 Python/3.11.7", "v1.46.3-991c9fb", "rclone v1.46.3"):
            self.assertEqual(version([sys.executable, "-c", f"print({shown!r})"]), "1.46.3")

    def test_the_pinned_peers_are_those_that_are_called(self):
        pinned = (PROJECT / "bench/requirements.in").read_text()
        for name in PEERS:
            self.assertRegex(pinned, rf"(?m)^{name}(cli|-bin)?==")
