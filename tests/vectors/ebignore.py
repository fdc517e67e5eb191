"""Records what `eb deploy` bundles under rule sets of `.ebignore`: `python ebignore.py > ebignore.json`.

Runs the EB CLI's own code on real directories, so it needs `pip install awsebcli==3.27.5 setuptools six`; the tests that
read the recording need neither. https://pypi.org/project/awsebcli/3.27.5/, `ebcli/core/fileoperations.py`.
"""

import contextlib
import json
import os
import platform
import sys
import tempfile
import zipfile
from importlib.metadata import version
from pathlib import Path

from ebcli.core import fileoperations

FILES = [
    "Procfile",
    "application.py",
    "a.log",
    "keep.log",
    "notes.txt~",
    "README.md",
    "#hash",
    "!bang",
    " leading",
    "a[b",
    "a]b",
    "back\\slash",
    "star*",
    "x-y",
    "x/y",
    "grüße.txt",
    ".env",
    ".ebextensions/01.config",
    ".ebextensions/nested/02.config",
    ".platform/hooks/prebuild/01.sh",
    "build/out.js",
    "build/keep/out.js",
    "src/build/out.js",
    "src/main.py",
    "src/a.log",
    "src/keep.log",
    "src/deep/er/main.py",
    "src/deep/er/a.log",
    "src/deep/node_modules/n.js",
    "node_modules/m/index.js",
    "node_modules/m/keep.log",
    "node_modules/.bin/tool~",
    "doc/a.txt",
    "doc/sub/b.txt",
    "foo/bar",
    "foo/1/bar",
    "foo/1/2/bar",
    "sub/.ebignore",
    "sub/only-here",
    "sub/a.log",
    ".elasticbeanstalk/config.yml",
    "sub/.elasticbeanstalk/saved",
]
LINKS = {"link-to-file": "application.py", "link-to-directory": "src", "src/link~": "main.py"}

RULES = [
    "",
    "\n\n# only a comment\n",
    "*.log\n",
    "*.log\n!keep.log\n",
    "!keep.log\n*.log\n",
    "node_modules/\n",
    "node_modules\n",
    "/node_modules\n",
    "/node_modules/\n!node_modules/m/keep.log\n",
    "node_modules/\n!keep.log\n",
    "*\n!.ebextensions/\n",
    "*\n!.ebextensions/\n!Procfile\n",
    "*\n!.ebextensions\n!/src/**\nsrc/deep/\n",
    "/*\n!/src\n",
    "/*\n!/src/\n!/application.py\n",
    "*\n",
    "**\n",
    "**\n!/src/main.py\n",
    "**/\n",
    "*/\n",
    "/\n",
    "//\n",
    "!\n",
    "!/\n",
    "build\n",
    "build/\n",
    "/build\n",
    "/build/*\n!/build/keep\n",
    "/build/*\n!/build/keep/\n",
    "src/build\n",
    "src/build/\n!src/build/out.js\n",
    "**/build\n",
    "build/**\n!build/keep/**\n",
    "foo/**/bar\n",
    "foo/**\n",
    "foo/*/bar\n",
    "foo//bar\n",
    "**/1/**\n",
    "**/**/bar\n",
    "doc/*.txt\n",
    "doc/**/*.txt\n",
    "*.txt\n!doc/\n",
    "\\#hash\n\\!bang\n",
    "#hash\n!bang\n",
    " leading\n",
    "\\ leading\n",
    "README.md   \n",
    "README.md\\ \n",
    "README.md\\ ",
    "README.md\\",
    "\tREADME.md\t\n",
    "*.log\r\nREADME.md\r\n",
    "*.log\rREADME.md\r",
    "*.log\x0bREADME.md\u2028Procfile",
    "\ufeff*.log\nREADME.md\n",
    "\ufeff# comment\n*.log\n",
    "a[b\n",
    "a[[]b\n",
    "a[]]b\n",
    "[!a]*.md\n",
    "[^A-Q]*.md\n",
    "[a-r]*/\n",
    "[z-a]*\n",
    "a[\\]]b\n",
    "a\\[b\n",
    "[[:alpha:]]*\n",
    "x[!a]y\n",
    "x?y\n",
    "back\\\\slash\n",
    "star\\*\n",
    "*~\n!notes.txt~\n",
    "gr??e.txt\n",
    "GRÜSSE.TXT\nreadme.md\n",
    "link-to-directory\n",
    "link-to-directory/\n",
    "link-*\n!link-to-file\n",
    ".*\n",
    ".*\n!.ebextensions/**\n",
    ".ebignore\n!.ebignore\n",
    "!.elasticbeanstalk/\n",
    "sub/\n!sub/.ebignore\n",
    "src/deep/**/main.py\n",
    "src/*\n!src/deep\n",
    "/src/**/a.log\n",
    "*.py\n!src/\n*.log\n",
]


def record(rules: str) -> dict[str, object]:
    """What the EB CLI bundles of the tree, links too, or the name of the error with which it stops."""
    with tempfile.TemporaryDirectory() as parent:
        root = Path(parent, "project")
        for name in FILES:
            root.joinpath(name).parent.mkdir(parents=True, exist_ok=True)
            root.joinpath(name).write_bytes(b"")
        for name, target in LINKS.items():
            root.joinpath(name).symlink_to(target)
        root.joinpath(".ebignore").write_bytes(rules.encode())
        bundle = os.path.join(parent, "bundle.zip")
        os.chdir(root)
        try:
            with contextlib.redirect_stdout(sys.stderr):
                fileoperations.zip_up_project(bundle, ignore_list=fileoperations.get_ebignore_list())
        except Exception as error:  # noqa: BLE001 - whatever it is, `eb deploy` stops with it
            return {"rules": rules, "error": type(error).__name__}
        finally:
            os.chdir("/")
        with zipfile.ZipFile(bundle) as archive:
            names = [name.removeprefix("./") for name in archive.namelist() if not name.endswith("/")]
        return {"rules": rules, "bundled": sorted(names)}


def main() -> None:
    """Print the recording."""
    tools = [f"{name} {version(name)}" for name in ("awsebcli", "pathspec")] + [f"CPython {platform.python_version()}"]
    head = {"recorded_with": ", ".join(tools), "files": FILES, "links": LINKS}
    # One line for each set of rules, so that a difference between two recordings can be read.
    sets = ",\n".join(json.dumps(record(rules)) for rules in RULES)
    print(json.dumps(head)[:-1] + f', "sets": [\n{sets}\n]}}')


if __name__ == "__main__":
    main()
