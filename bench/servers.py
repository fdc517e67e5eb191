"""The servers that are measured against: garage where it is installed, else the in-memory one of this directory."""

import json
import os
import secrets
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Self

ACCESS_KEY = "GK0123456789abcdef01234567"
SECRET_KEY = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
HERE = Path(__file__).parent


def compiled(name: str, target: Path) -> Path:
    """Compile one of the programs of this directory; they need nothing but the standard library."""
    binary = target / name
    source = HERE / f"{name}.rs"
    if not binary.exists() or binary.stat().st_mtime < max(path.stat().st_mtime for path in HERE.glob("*.rs")):
        subprocess.run(["rustc", "--edition", "2024", "-O", "-o", binary, source], check=True, cwd=HERE.parent)
    return binary


class Program:
    """A program that prints the port it listens on, and runs until the end of its `with` block."""

    def __init__(self, *command: str | Path) -> None:
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self._process.stdout
        self.port = int(self._process.stdout.readline())
        self.endpoint = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()


class Memory:
    """The in-memory server."""

    name = "the in-memory server of bench/server.rs"
    region = "us-east-1"

    def __init__(self, target: Path) -> None:
        self._program = Program(compiled("server", target))
        self.port = self._program.port

    def create(self, bucket: str) -> None:
        """Create an empty bucket."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/{bucket}", method="PUT")
        urllib.request.urlopen(request).close()

    def close(self) -> None:
        """End it."""
        self._program.__exit__()


class Garage:
    """A garage of one node on loopback, with its data in a directory of its own."""

    region = "garage"
    port = 3900

    def __init__(self, binary: str, target: Path) -> None:
        self._directory = target / "garage"
        shutil.rmtree(self._directory, ignore_errors=True)
        self._directory.mkdir(parents=True)
        self._binary = binary
        self._config = self._directory / "garage.toml"
        self._config.write_text(
            f'metadata_dir = "{self._directory}/meta"\ndata_dir = "{self._directory}/data"\ndb_engine = "lmdb"\n'
            "replication_factor = 1\ncompression_level = \"none\"\n"
            f'rpc_bind_addr = "127.0.0.1:3901"\nrpc_public_addr = "127.0.0.1:3901"\n'
            f'rpc_secret = "{secrets.token_hex(32)}"\n[s3_api]\ns3_region = "{self.region}"\n'
            f'api_bind_addr = "127.0.0.1:{self.port}"\nroot_domain = ".s3.garage"\n'
        )
        self._log = open(self._directory / "log", "wb")
        self._process = subprocess.Popen(
            [binary, "-c", self._config, "server"],
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env=os.environ | {"RUST_LOG": "warn"},
        )
        for _ in range(100):
            try:
                node = self._run("node", "id", "-q").split("@")[0].strip()
                self._run("status")
                break
            except subprocess.CalledProcessError:
                time.sleep(0.1)
        self._run("layout", "assign", "-z", "dc1", "-c", "20G", node)
        self._run("layout", "apply", "--version", "1")
        self._run("key", "import", "--yes", "-n", "bench", ACCESS_KEY, SECRET_KEY)
        version = self._run("--version").split()
        self.name = " ".join(version[:2]).replace("cargo:", "")

    def create(self, bucket: str) -> None:
        """Create an empty bucket."""
        self._run("bucket", "create", bucket)
        self._run("bucket", "allow", "--read", "--write", "--owner", bucket, "--key", "bench")

    def close(self) -> None:
        """End it and remove its data."""
        self._process.terminate()
        self._process.wait()
        self._log.close()
        shutil.rmtree(self._directory, ignore_errors=True)

    def _run(self, *arguments: str) -> str:
        command = [self._binary, "-c", str(self._config), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def requests(delay: Program) -> int:
    """How many requests went through the delay line since the last time that somebody asked."""
    with urllib.request.urlopen(f"{delay.endpoint}/_requests") as answer:
        return int(json.load(answer)["requests"])
