"""The words of what people read: short, current, and without sentences that newcomers stumbled over."""

import re
import unittest
from pathlib import Path

from pages import PROJECT, pages

# The README is read in five minutes.
MOST_WORDS = 2500

# Each was written once and not understood.
STUMBLED_OVER = [
    "take them out", "give the key up", "to whoever answers", "nobody answers in a workflow", "belongs to no flag",
    "legal are", "inputs cannot be used:", "nothing to do: set `", "the secret or variable behind it", "update has begun",
    "nobody looks how", "taken the update back", "putting `", "has just begun an update", "basic health knows",
    "enhanced health would", "delivered no log", "cannot trust the upload", "the bytes have `", "walk broke off", "listing broke off", "reading broke off",
    "the network does not lead", "wants fewer requests", "makes a run more patient", "knows of no earlier release",
    "what it left half done", "is taken back all the same", "write the prefix out", "know no directories",
    "leave it away", "redirects to what is no address", "takes it back", "tells the truth about", "no download when it starts",
    "is switched on by", "what your credentials may do", "everything that is wrong with them", "looks at everything",
    "what could not be invalidated is carried over", "nobody else's keys", "swapping the steps", "the steps you have",
    "differs from `aws s3 sync`, on purpose", "says `charset=utf-8`", "most that one run may", "is found out",
    "makes up for it", "without one everything goes in", "to answer as asked", "keeps the place of one", "being down or refusing",
    "| the error says |", "labels are for ever", "they reach no shell", "switches the site part", "seconds between two looks",
    "to take in again", "takes the header away", "the newest major version gets fixes",
]


def printed(source: Path) -> str:
    """The lines of a Rust file that are not comments."""
    lines = source.read_text().splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith("//"))


class Words(unittest.TestCase):
    """In pages, examples, templates, `action.yml` and whatever the program prints."""

    def test_no_sentence_that_people_stumbled_over(self):
        texts = {page: page.read_text() for page in pages()}
        for pattern in ("action.yml", "examples/workflows/*.yml", "setup/*.yaml"):
            texts |= {file: file.read_text() for file in PROJECT.glob(pattern)}
        texts |= {file: printed(file) for file in (PROJECT / "src").rglob("*.rs")}
        self.assertGreater(len(texts), 300)
        for file, text in texts.items():
            lower = text.lower()
            for sentence in STUMBLED_OVER:
                if sentence in lower:
                    self.fail(f"{file.relative_to(PROJECT)}: {sentence}")

    def test_the_readme_is_short(self):
        self.assertLessEqual(len((PROJECT / "README.md").read_text().split()), MOST_WORDS)

    def test_one_version_of_checkout(self):
        files = [*pages(), *PROJECT.glob("examples/workflows/*.yml"), *PROJECT.glob(".github/workflows/*.yml"), *PROJECT.glob("setup/*")]
        found = {use for file in files for use in re.findall(r"actions/checkout@(\S+(?: # v\S+)?)", file.read_text())}
        # Pages are easier to read with a tag; what is run pins its commit.
        majors = {re.fullmatch(r"(?:[0-9a-f]{40} # )?v(\d+)(?:\.\d+)*", use)[1] for use in found}
        self.assertEqual(len(majors), 1, found)
        self.assertEqual(len([use for use in found if "#" in use]), 1, found)
