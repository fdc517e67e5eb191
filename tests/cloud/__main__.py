"""Command line: `python -m cloud --port 0` serves one cloud, `python -m cloud --pool` one for each line on stdin."""

import argparse
import json
import signal
import sys
import threading

from cloud import pool
from cloud.app import Cloud
from cloud.server import Server


def main() -> None:
    """Parse the command line and serve until SIGTERM, or until stdin closes."""
    parser = argparse.ArgumentParser(prog="cloud", description="AWS and GitHub on 127.0.0.1, for tests")
    parser.add_argument("--port", type=int, default=0, help="port to listen on; 0 takes a free one")
    parser.add_argument("--keep", action="store_true", help="keep serving when stdin closes")
    parser.add_argument("--pool", action="store_true", help="fork one empty cloud for each line `new` on stdin")
    arguments = parser.parse_args()
    if arguments.pool:
        pool.serve()
        return
    server = Server(Cloud, arguments.port)
    print(json.dumps(server.endpoints()), flush=True)
    signal.signal(signal.SIGTERM, lambda *_: server.stop())
    if not arguments.keep:
        threading.Thread(target=_stop_at_eof, args=(server,), daemon=True).start()
    server.serve()


def _stop_at_eof(server: Server) -> None:
    while sys.stdin.readline():
        pass
    server.stop()


if __name__ == "__main__":
    main()
