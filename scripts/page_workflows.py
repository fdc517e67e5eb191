"""Makes a workflow of each block of steps that a page says is run, for the linters and the tests.

`page_workflows.py OUT PAGE…`: a block stands behind a mark `<!-- runs: NAME -->` and becomes `OUT/NAME.yml`.
"""

import re
import sys
from pathlib import Path

BLOCK = re.compile(r"^<!-- runs: ([a-z0-9-]+) -->\n```yaml\n(.*?)^```$", re.M | re.S)
CHECKOUT = re.compile(r"uses: (actions/checkout@.*)")

HEAD = """\
name: {name}
on: push
permissions: {{}}
jobs:
  deploy:
    name: Deploy
    runs-on: ubuntu-latest
    permissions:
      contents: read
      id-token: write # role-to-assume
    steps:
      - uses: {checkout}
        with:
          persist-credentials: false
"""


def workflows(page: str, checkout: str) -> dict[str, str]:
    """The workflows of a page, by name."""
    found = {}
    for name, steps in BLOCK.findall(page):
        if name in found:
            raise SystemExit(f"two blocks are named {name}")
        lines = [f"      {line}" if line else "" for line in steps.splitlines()]
        # A page is easier to read with a tag; what is pasted pins a commit, as the examples say.
        pinned = [
            f"{line} # zizmor: ignore[unpinned-uses]" if line.endswith("/aws-web-deploy@v1") else line for line in lines
        ]
        found[name] = HEAD.format(name=name, checkout=checkout) + "\n".join(pinned) + "\n"
    if page.count("<!-- runs: ") != len(found):
        raise SystemExit("a mark has no block of YAML behind it")
    return found


def main(out: Path, pages: list[Path]) -> None:
    """Write the workflows of the pages."""
    example = Path(__file__).parent.parent / "examples/workflows/deploy.yml"
    checkout = CHECKOUT.search(example.read_text())
    assert checkout
    out.mkdir(parents=True, exist_ok=True)
    for page in pages:
        for name, text in workflows(page.read_text(), checkout[1]).items():
            (out / f"{name}.yml").write_text(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(page) for page in sys.argv[2:]])
