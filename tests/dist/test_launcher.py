"""dist/run: picks the binary, passes on what it got, and says in one line what is wrong otherwise."""

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

LAUNCHER = Path(__file__).resolve().parents[2] / "dist/run"
BINARY = '#!/bin/sh\necho "{name} $# $1"\nexit 7\n'


class Launcher(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="a b'c")
        self.addCleanup(folder.cleanup)
        self.dist = Path(folder.name)
        shutil.copy(LAUNCHER, self.dist / "run")

    def add(self, name, mode=0o755):
        path = self.dist / f"aws-web-deploy-{name}"
        path.write_text(BINARY.format(name=name))
        path.chmod(mode)
        return path

    def launch(self, system, architecture, *arguments):
        env = {"PATH": os.environ["PATH"], "RUNNER_OS": system, "RUNNER_ARCH": architecture}
        return subprocess.run(
            ["sh", "-eu", str(self.dist / "run"), *arguments], env=env, capture_output=True, text=True, check=False
        )

    def test_execs_the_binary_of_the_runner_with_arguments_and_exit_code(self):
        self.add("linux-x64")
        self.add("linux-arm64")
        for architecture, name in (("X64", "linux-x64"), ("ARM64", "linux-arm64")):
            with self.subTest(architecture):
                done = self.launch("Linux", architecture, "--version")
                self.assertEqual((done.stdout, done.returncode), (f"{name} 1 --version\n", 7))

    def test_names_the_supported_runners_in_one_error(self):
        for system, architecture in (("macOS", "ARM64"), ("Windows", "X64"), ("Linux", "ARM"), ("", "")):
            with self.subTest(system + architecture):
                done = self.launch(system, architecture)
                self.assertEqual(done.returncode, 1)
                self.assertEqual(len(done.stdout.splitlines()), 1)
                self.assertIn("::error title=Unsupported runner::", done.stdout)
                self.assertIn("Linux X64 and Linux ARM64", done.stdout)
                self.assertIn(f"RUNNER_OS={system} RUNNER_ARCH={architecture}", done.stdout)

    def test_works_outside_a_runner_only_with_the_variables_of_one(self):
        self.add("linux-x64")
        done = subprocess.run(
            ["sh", "-eu", str(self.dist / "run")], env={"PATH": os.environ["PATH"]}, capture_output=True, text=True,
            check=False,
        )
        self.assertEqual((done.returncode, done.stderr), (1, ""))

    def test_puts_a_lost_executable_bit_back(self):
        binary = self.add("linux-x64", mode=0o644)
        self.assertEqual(self.launch("Linux", "X64").returncode, 7)
        self.assertTrue(os.access(binary, os.X_OK))

    def test_says_that_the_binary_is_missing(self):
        done = self.launch("Linux", "X64")
        self.assertEqual((done.returncode, done.stderr), (1, ""))
        self.assertEqual(len(done.stdout.splitlines()), 1)
        self.assertIn("dist/aws-web-deploy-linux-x64 is missing", done.stdout)

    def test_is_executable_itself(self):
        self.assertTrue(os.access(LAUNCHER, os.X_OK))
        self.assertLessEqual(len(LAUNCHER.read_text().splitlines()), 15)


if __name__ == "__main__":
    unittest.main()
