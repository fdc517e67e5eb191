"""What people read first: links, words and pictures of the README, the pages and the examples."""

import re
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^(```|~~~).*?^\1", re.M | re.S)


def pages() -> list[Path]:
    """Every page that is part of the project."""
    folders = ["", "docs", "docs/summaries", ".github", "tests/cloud"]
    return sorted(page for folder in folders for page in (PROJECT / folder).glob("*.md"))


def prose(page: Path) -> str:
    """A page without its blocks of code."""
    return FENCE.sub("", page.read_text())
