"""The pictures that people see first were made of the summary as it is today."""

import sys
import unittest

from pages import PROJECT

sys.path.append(str(PROJECT / "scripts"))  # behind tests/, whose package dist is not scripts/dist.py

import pictures  # noqa: E402

SUMMARIES = PROJECT / "docs/summaries"


class Pictures(unittest.TestCase):
    """Made by `make pictures`; the pages themselves are held to real runs by `tests/integration/summaries.rs`."""

    def test_each_summary_has_one(self):
        names = {page.stem for page in SUMMARIES.glob("*.md")}
        self.assertEqual({picture.stem for picture in SUMMARIES.glob("*.png")}, names)
        self.assertEqual(len(names), 9)

    def test_those_that_are_shown_are_current(self):
        shown = SUMMARIES / f"{pictures.IN_README}.png"
        self.assertIn(f"(docs/summaries/{shown.name})", (PROJECT / "README.md").read_text())
        for picture in (shown, PROJECT / "docs/social-preview.png"):
            with self.subTest(picture.name):
                self.assertEqual(pictures.source(picture), pictures.digest(shown.with_suffix(".md")), "run `make pictures`")

    def test_the_preview_has_the_size_that_github_asks_for(self):
        name, header = pictures.chunks((PROJECT / "docs/social-preview.png").read_bytes())[0]
        self.assertEqual((name, header[:8]), (b"IHDR", (1280).to_bytes(4) + (640).to_bytes(4)))
