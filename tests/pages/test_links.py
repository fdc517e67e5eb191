"""Links within the project lead to files and headings that are there."""

import re
import unittest
import urllib.parse
from pathlib import Path

from pages import PROJECT, pages, prose

LINK = re.compile(r"\]\(\s*<?([^)\s>]+)>?\s*\)")
HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.M)


def slug(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").replace("*", "")
    return re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")


def anchors(page: Path) -> set[str]:
    """The anchors of a page; those of equal headings are numbered."""
    found: set[str] = set()
    for heading in HEADING.findall(prose(page)):
        name = slug(heading)
        number = sum(each == name or re.fullmatch(re.escape(name) + r"-\d+", each) is not None for each in found)
        found.add(name if number == 0 else f"{name}-{number}")
    return found


class Links(unittest.TestCase):
    """Of all pages."""

    def test_they_resolve(self):
        count = 0
        for page in pages():
            for target in LINK.findall(prose(page)):
                if re.match(r"[a-z]+:", target):
                    continue
                path, _, anchor = target.partition("#")
                file = (page.parent / urllib.parse.unquote(path)).resolve() if path else page
                with self.subTest(page=str(page.relative_to(PROJECT)), target=target):
                    self.assertTrue(file.exists(), "no such file")
                    self.assertTrue(file.is_relative_to(PROJECT), "leads out of the project")
                    if anchor and file.suffix == ".md":
                        self.assertIn(anchor, anchors(file))
                count += 1
        self.assertGreater(count, 100)

    def test_anchors_are_those_of_github(self):
        self.assertEqual(slug("`aws s3 sync` and `create-invalidation`"), "aws-s3-sync-and-create-invalidation")
        self.assertEqual(slug("Reggionick/s3-deploy"), "reggionicks3-deploy")
        self.assertEqual(slug("Why not just `aws s3 sync`?"), "why-not-just-aws-s3-sync")


class Contents(unittest.TestCase):
    """Of the README."""

    def test_it_names_every_section_in_order(self):
        text = (PROJECT / "README.md").read_text()
        contents = text.split("**Contents:**", 1)[1].split("\n## ", 1)[0]
        sections = re.findall(r"^## (.+)$", prose(PROJECT / "README.md"), re.M)
        self.assertEqual(re.findall(r"\]\(#([^)]+)\)", contents), [slug(section) for section in sections])
