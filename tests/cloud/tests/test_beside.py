"""The table of scenarios beside the real EB CLI is whole: what `make beside-eb` runs, and the page that it writes."""

import unittest

from beside_eb.__main__ import PAGE, SCENARIOS
from cloud.beanstalk import scenarios


class BesideTheEbCli(unittest.TestCase):
    """The scenarios of the local cloud are those of the table."""

    def test_every_scenario_stands_beside_the_eb_cli(self) -> None:
        self.assertEqual(sorted(scenario for scenario, _ in SCENARIOS.values()), scenarios.names())

    def test_the_page_has_a_row_for_each(self) -> None:
        rows = [line.split(" | ") for line in PAGE.read_text().splitlines() if line.startswith("| ")]
        self.assertEqual([row[0].removeprefix("| ") for row in rows[2:]], list(SCENARIOS))
        for row in rows[2:]:
            self.assertEqual(len(row), 5, row)
            self.assertRegex(row[1], r"^`?exit \d")
            self.assertRegex(row[3], r"^`?exit \d")


if __name__ == "__main__":
    unittest.main()
