"""The example's own tests: they stay out of the bundle (see .ebignore)."""

import datetime
import unittest

from application import PERIOD, turning_points


class TurningPoints(unittest.TestCase):
    def test_they_alternate(self):
        start = datetime.datetime(2021, 1, 3, tzinfo=datetime.timezone.utc)
        heights = [point["height"] for point in turning_points(start, 4)]
        self.assertEqual(len(set(heights[::2])), 1)
        self.assertNotEqual(heights[0], heights[1])

    def test_they_are_half_a_period_apart(self):
        start = datetime.datetime(2021, 1, 3, tzinfo=datetime.timezone.utc)
        first, second = (datetime.datetime.fromisoformat(point["time"]) for point in turning_points(start, 2))
        self.assertAlmostEqual((second - first) / (PERIOD / 2), 1.0, places=5)


if __name__ == "__main__":
    unittest.main()
