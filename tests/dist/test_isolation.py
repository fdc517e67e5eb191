"""scripts/dist.py builds with nobody's configuration of cargo: not a person's own, and none above the build's place."""

import contextlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
import unittest
from pathlib import Path
from unittest import mock

PROJECT = Path(__file__).resolve().parents[2]



def script():
    """scripts/dist.py; this package has its name already."""
    sys.path.append(str(PROJECT / "scripts"))
    spec = importlib.util.spec_from_file_location("dist_script", PROJECT / "scripts/dist.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


dist = script()

# Cargo would start this instead of the compiler.
HOSTILE = '[build]\nrustc-wrapper = "/nowhere/wrapper"\n[profile.dev]\nopt-level = 3\n'
MIRROR = '[source.crates-io]\nreplace-with = "mirror"\n[source.mirror]\nregistry = "sparse+https://crates.example/"\n[net]\nretry = 7\n'


class Isolation(unittest.TestCase):
    """A crate without dependencies in the build's place, below a folder where others can write."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.shared = Path(folder.name).resolve()
        root = self.shared / "build"
        self.sources, self.cargo_home = root / "sources", root / "cargo"
        self.enterContext(mock.patch.multiple(dist, ROOT=root, SOURCES=self.sources, CARGO_HOME=self.cargo_home))
        (self.sources / "src").mkdir(parents=True)
        (self.sources / "src/main.rs").write_text("fn main() {}\n")
        (self.sources / "Cargo.toml").write_text('[package]\nname = "small"\nversion = "1.0.0"\nedition = "2024"\n[workspace]\n')
        (self.sources / "Cargo.lock").write_text('version = 4\n\n[[package]]\nname = "small"\nversion = "1.0.0"\n')
        shutil.copy(PROJECT / "rust-toolchain.toml", self.sources)
        self.home = self.shared / "home"
        self.home.mkdir()
        self.env = {name: os.environ[name] for name in ("PATH", "HOME", "RUSTUP_HOME") if name in os.environ}
        self.env |= {"CARGO_HOME": str(self.home), "CARGO_TARGET_DIR": str(root / "target"), "CARGO_NET_OFFLINE": "true"}

    def builds(self):
        """Whether dist.py's cargo builds the crate."""
        env = dict(self.env)
        dist.isolate(env)
        with contextlib.suppress(dist.Failure):
            dist.cargo("build", "--locked", "--quiet", env=env, stderr=subprocess.DEVNULL)
            return True
        return False

    def usual_build(self):
        """How a build in the sources ends without all that."""
        command = ["cargo", "build", "--locked", "--quiet"]
        return subprocess.run(command, cwd=self.sources, env=self.env, stderr=subprocess.DEVNULL, check=False).returncode

    def test_a_configuration_above_the_build_does_not_count(self):
        (self.shared / ".cargo").mkdir()
        (self.shared / ".cargo/config.toml").write_text(HOSTILE)
        self.assertNotEqual(self.usual_build(), 0, "the configuration does nothing")
        self.assertTrue(self.builds())

    def test_a_person_s_own_configuration_does_not_count(self):
        (self.home / "config.toml").write_text(HOSTILE)
        self.assertNotEqual(self.usual_build(), 0, "the configuration does nothing")
        self.assertTrue(self.builds())

    def test_a_toolchain_file_above_the_build_does_not_count(self):
        (self.shared / "rust-toolchain.toml").write_text('[toolchain]\nchannel = "1.0.0"\n')
        self.assertTrue(self.builds())

    def test_where_crates_come_from_is_kept(self):
        for name in ("config.toml", "config"):
            (self.home / name).write_text(MIRROR + HOSTILE)
            dist.isolate(dict(self.env))
            kept = tomllib.loads((self.cargo_home / "config.toml").read_text())
            self.assertEqual(kept, tomllib.loads(MIRROR))
        self.assertEqual(self.cargo_home.stat().st_mode & 0o777, 0o700)

    def test_values_of_all_kinds_are_written_as_they_were(self):
        value = {"a-b": {"c d": ['x"y', "\\", "é"]}, "on": True, "count": 3, "none": {}, "list": []}
        self.assertEqual(tomllib.loads(f"value = {dist.toml(value)}\n")["value"], value)
