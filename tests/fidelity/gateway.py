"""Ceph's gateway on 127.0.0.1: one monitor, one store in memory, one gateway. All of it ends with the block.

Debian and Ubuntu: `apt-get install radosgw ceph-mon ceph-osd ceph-common`. FIDELITY_CEPH names a directory into which the packages
were unpacked instead (`apt-get download`, `dpkg -x`).
"""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(os.environ.get("FIDELITY_CEPH", "/"))
NEEDED = ("radosgw", "radosgw-admin", "ceph-mon", "ceph-osd", "ceph", "monmaptool")
KEY_ID, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
_TRIPLET = f"{os.uname().machine}-linux-gnu"
_FSID = "5f0b4f6e-7a3c-4d0d-9a0e-2f6f5c1f7c11"
_STORE = "5f0b4f6e-7a3c-4d0d-9a0e-2f6f5c1f7c12"


def missing() -> list[str]:
    """The programs of Ceph that are not here."""
    return [name for name in NEEDED if _program(name) is None]


def _program(name: str) -> str | None:
    return shutil.which(name, path=str(ROOT / "usr/bin"))


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class Gateway:
    """A cluster in a directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        libraries = [ROOT / part / _TRIPLET for part in ("usr/lib", "lib")] + [ROOT / "usr/lib" / _TRIPLET / "ceph"]
        self._env = os.environ | {"CEPH_CONF": str(directory / "ceph.conf")}
        if ROOT != Path("/"):
            self._env["LD_LIBRARY_PATH"] = ":".join(map(str, libraries))
            self._env["PYTHONPATH"] = str(ROOT / "usr/lib/python3/dist-packages")
        self._monitor = _free_port()
        port = _free_port()
        self.endpoint = f"http://127.0.0.1:{port}"
        lib = ROOT / "usr/lib" / _TRIPLET
        settings = {
            "fsid": _FSID, "mon host": f"v1:127.0.0.1:{self._monitor}", "ms bind msgr2": "false",
            "public addr": "127.0.0.1", "cluster addr": "127.0.0.1",
            "auth cluster required": "none", "auth service required": "none", "auth client required": "none",
            "mon data": directory / "mon", "osd data": directory / "osd", "osd objectstore": "memstore",
            "memstore device bytes": 1 << 30, "osd crush chooseleaf type": 0, "osd pool default size": 1,
            "osd pool default min size": 1, "osd pool default pg num": 1, "osd pool default pgp num": 1,
            "osd pool default pg autoscale mode": "off", "mon allow pool size one": "true",
            "osd max object name len": 1024, "osd max object namespace len": 64,
            "osd class dir": lib / "rados-classes", "erasure code dir": lib / "ceph/erasure-code", "plugin dir": lib / "ceph",
            "run dir": directory, "admin socket": directory / "$name.asok", "log file": directory / "$name.log",
            "pid file": directory / "$name.pid", "rgw data": directory / "rgw", "keyring": directory / "keyring",
            "rgw frontends": f"beast endpoint=127.0.0.1:{port}", "osd heartbeat grace": 120, "mon data avail warn": 1, "mon data avail crit": 0,
        }  # fmt: skip
        lines = [f"{name} = {value}" for name, value in settings.items()]
        (directory / "ceph.conf").write_text("[global]\n" + "\n".join(lines) + "\n")
        for name in ("mon", "osd", "rgw"):
            (directory / name).mkdir()

    def _run(self, name: str, *arguments: str) -> str:
        program = _program(name)
        assert program
        try:
            done = subprocess.run([program, *arguments], env=self._env, capture_output=True, text=True, check=False, timeout=120)
        except subprocess.TimeoutExpired as error:
            raise RuntimeError("\n".join([f"{name} does not end", *self._logs()])) from error
        if done.returncode:
            raise RuntimeError(f"{name} {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout

    def _start(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        program = _program(name)
        assert program
        return subprocess.Popen(
            [program, "-f", *arguments], env=self._env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    @contextlib.contextmanager
    def running(self) -> Iterator["Gateway"]:
        """Serve until the end of the block."""
        processes: list[subprocess.Popen[bytes]] = []
        monitors = str(self._directory / "monmap")
        try:
            self._run("monmaptool", "--create", "--addv", "a", f"[v1:127.0.0.1:{self._monitor}]", "--fsid", _FSID, monitors)
            self._run("ceph-mon", "--mkfs", "-i", "a", "--monmap", monitors)
            processes.append(self._start("ceph-mon", "-i", "a"))
            self._run("ceph", "osd", "new", _STORE)
            self._run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", _STORE)
            self._start_store(processes)
            user = ["--uid=deploy", "--display-name=deploy", f"--access-key={KEY_ID}", f"--secret-key={SECRET}"]
            self._run("radosgw-admin", "user", "create", *user)
            processes.append(self._start("radosgw", "-n", "client.rgw"))
            self._wait()
            yield self
        finally:
            for process in reversed(processes):
                process.terminate()
            for process in processes:
                try:
                    process.wait(timeout=10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    def _start_store(self, processes: "list[subprocess.Popen[bytes]]") -> None:
        """Pacific's store gives up ("wrong fsid") when its first command overtakes the monitor's greeting: start it anew."""
        end = time.monotonic() + 120
        while time.monotonic() < end:
            if not processes[1:] or processes[-1].poll() is not None:
                processes.append(self._start("ceph-osd", "-i", "0", "--osd-uuid", _STORE))
            if json.loads(self._run("ceph", "osd", "stat", "--format", "json"))["num_up_osds"]:
                return
            time.sleep(0.2)
        raise RuntimeError("\n".join(["the store did not start", *self._logs()]))

    def _logs(self) -> list[str]:
        return [log.read_text(errors="replace")[-3000:] for log in sorted(self._directory.glob("*.log"))]

    def _wait(self) -> None:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(self.endpoint, timeout=5).read()
                return
            time.sleep(0.2)
        raise RuntimeError("the gateway did not start within a minute")
