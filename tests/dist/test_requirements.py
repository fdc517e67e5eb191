"""The Python that tests, lint, the emulator and the benchmarks' peers run in: every package pinned with its hash, as `make requirements` writes."""

import re
import unittest
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
FILES = sorted([*PROJECT.glob("tests/**/*requirements.in"), *PROJECT.glob("bench/*requirements.in")])


def pins(text):
    """Name to version, of lines `name==version`."""
    return {name.lower(): version for name, version in re.findall(r"^([\w.-]+)==([^\s\\]+)", text, re.MULTILINE)}


class Requirements(unittest.TestCase):
    """Each file of requirements."""

    def test_there_are_some(self):
        self.assertEqual([path.name for path in FILES], ["requirements.in", "requirements.in", "lint-requirements.in", "requirements.in", "requirements.in"])

    def test_everything_is_pinned_with_a_hash(self):
        for path in FILES:
            text = path.with_suffix(".txt").read_text()
            packages = re.split(r"^(?=[\w.-]+==)", text, flags=re.MULTILINE)[1:]
            self.assertTrue(packages)
            for package in packages:
                with self.subTest(path.name, package=package.split("==")[0]):
                    self.assertRegex(package, r"--hash=sha256:[0-9a-f]{64}")

    def test_what_is_asked_for_is_what_is_pinned(self):
        for path in FILES:
            with self.subTest(path.name):
                asked = pins(path.read_text())
                pinned = pins(path.with_suffix(".txt").read_text())
                self.assertLessEqual(asked.items(), pinned.items(), "run `make requirements`")

    def test_nothing_is_installed_without_its_hash(self):
        makefile = (PROJECT / "Makefile").read_text()
        self.assertEqual(re.findall(r"pip install(?!.*--require-hashes).*", makefile), [])
