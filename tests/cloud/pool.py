"""Many clouds from one warm process: imports cost half a second, a fork costs milliseconds."""

import json
import os
import select
import signal
import sys
import threading

from cloud.app import Cloud
from cloud.server import Server


def serve() -> None:
    """Read `new` and `end PID` lines on stdin until it closes, then end every child.

    A child also ends when this process dies without saying so: it watches the read end of a pipe whose only
    writer is this process.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    alive_reader, alive_writer = os.pipe()
    children: set[int] = set()
    try:
        for line in sys.stdin:
            match line.split():
                case ["new"]:
                    children.add(_start(alive_reader, alive_writer))
                case ["end", pid] if int(pid) in children:
                    children.discard(int(pid))
                    _end(int(pid))
    finally:
        for pid in children:
            _end(pid)


def _start(alive_reader: int, alive_writer: int) -> int:
    server = Server(Cloud)
    pid = os.fork()
    if pid:
        endpoints = server.endpoints()
        server.close()
        print(json.dumps({**endpoints, "pid": pid}), flush=True)
        return pid
    os.close(alive_writer)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_exit_at_eof, args=(alive_reader,), daemon=True).start()
    server.serve()
    os._exit(0)


def _exit_at_eof(descriptor: int) -> None:
    select.select([descriptor], [], [])
    os._exit(0)


def _end(pid: int) -> None:
    """A child keeps nothing worth saving, and a milder signal could come before it has shed its parent's handler."""
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
