"""scripts/dist.py check: what does not fit the sources is found without a build."""

import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
RUST = {"linux-x64": "x86_64-unknown-linux-musl", "linux-arm64": "aarch64-unknown-linux-musl"}


class Check(unittest.TestCase):
    """Each test spoils one thing in a small repository that fits."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        shutil.copytree(PROJECT / "scripts", self.root / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
        for name, content in {
            "Cargo.toml": '[package]\nname = "aws-web-deploy"\nversion = "1.2.3"\n',
            "src/main.rs": "fn main() {}\n",
            "src/a/b.rs": "//! b\n",
            "README.md": "not a source\n",
        }.items():
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).write_text(content)
        for command in (["init", "--quiet"], ["add", "Cargo.toml", "src", "README.md"]):
            subprocess.run(["git", *command], cwd=self.root, check=True)
        (self.root / "dist").mkdir()
        self.build()

    def script(self, *arguments):
        command = [sys.executable, "scripts/dist.py", *arguments]
        return subprocess.run(command, cwd=self.root, capture_output=True, text=True, check=False)

    def binary(self, name):
        return self.root / f"dist/aws-web-deploy-{name}"

    def build(self, padding=0):
        """What `make dist` would leave."""
        digest = self.script("digest").stdout.strip()
        sums = ""
        for name, target in RUST.items():
            content = f"\0ELF aws-web-deploy 1.2.3 ({target}, sources {digest}) more".encode() + bytes(padding)
            self.binary(name).write_bytes(content)
            self.binary(name).chmod(0o755)
            sums += f"{hashlib.sha256(content).hexdigest()}  {self.binary(name).name}\n"
        (self.root / "dist/SHA256SUMS").write_text(sums)
        (self.root / "dist/THIRD-PARTY-LICENSES.txt").write_text("licences\n")

    def refused(self, *words):
        done = self.script("check")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        for word in words:
            self.assertIn(word, done.stderr)

    def test_accepts_what_fits(self):
        done = self.script("check")
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_digest_is_the_documented_one(self):
        lines = "".join(
            f"{hashlib.sha256((self.root / name).read_bytes()).hexdigest()}  {name}\n"
            for name in ("Cargo.toml", "src/a/b.rs", "src/main.rs")
        )
        self.assertEqual(self.script("digest").stdout.strip(), hashlib.sha256(lines.encode()).hexdigest())

    def test_ignores_what_is_no_source(self):
        (self.root / "README.md").write_text("another text\n")
        (self.root / "src/untracked.rs").write_text("//! not tracked\n")
        self.assertEqual(self.script("check").returncode, 0)

    def test_finds_changed_sources_for_both_targets(self):
        (self.root / "src/a/b.rs").write_text("//! changed\n")
        self.refused("aws-web-deploy-linux-x64 is aws-web-deploy 1.2.3", "aws-web-deploy-linux-arm64 is", "make dist")

    def test_finds_a_renamed_source(self):
        subprocess.run(["git", "mv", "src/a/b.rs", "src/a/c.rs"], cwd=self.root, check=True)
        self.refused("linux-x64", "linux-arm64")

    def test_finds_the_binary_of_the_other_target(self):
        shutil.copy(self.binary("linux-x64"), self.binary("linux-arm64"))
        self.refused("aws-web-deploy-linux-arm64 is aws-web-deploy 1.2.3 (x86_64-unknown-linux-musl")

    def test_finds_a_changed_byte(self):
        with self.binary("linux-arm64").open("ab") as file:
            file.write(b"!")
        self.refused("aws-web-deploy-linux-arm64 is not what SHA256SUMS says")

    def test_finds_a_binary_over_the_size_limit(self):
        self.build(padding=8_000_000)
        self.refused("more than 8,000,000")

    def test_finds_a_lost_executable_bit(self):
        self.binary("linux-x64").chmod(0o644)
        self.refused("aws-web-deploy-linux-x64 is not executable")

    def test_finds_missing_files(self):
        self.binary("linux-x64").unlink()
        (self.root / "dist/SHA256SUMS").unlink()
        (self.root / "dist/THIRD-PARTY-LICENSES.txt").unlink()
        self.refused("aws-web-deploy-linux-x64 is missing", "aws-web-deploy-linux-arm64 is not what SHA256SUMS says",
                     "THIRD-PARTY-LICENSES.txt is missing")

    def test_verify_says_what_is_missing_before_it_builds(self):
        self.binary("linux-arm64").unlink()
        done = self.script("verify")
        self.assertEqual(done.returncode, 1)
        self.assertIn("dist/ lacks aws-web-deploy-linux-arm64; run `make dist`", done.stderr)

    def test_an_unknown_target_is_named(self):
        done = self.script("build", "linux-riscv")
        self.assertEqual(done.returncode, 1)
        self.assertIn("unknown target `linux-riscv`; there are linux-x64, linux-arm64", done.stderr)


class SameList(unittest.TestCase):
    def test_build_rs_and_the_script_hash_the_same_files(self):
        rust = re.search(r"const ROOTS[^=]*= \[(.*?)\];", (PROJECT / "build.rs").read_text(), re.DOTALL)[1]
        python = re.search(r"^ROOTS = \[(.*?)\]$", (PROJECT / "scripts/sources.py").read_text(), re.MULTILINE)[1]
        self.assertEqual(re.findall(r'"(.*?)"', rust), re.findall(r'"(.*?)"', python))


if __name__ == "__main__":
    unittest.main()
