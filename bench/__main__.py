"""Runs the measurements, prints them, and writes docs/benchmarks.json and docs/benchmarks.svg."""

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from bench import plot, tree
from bench.servers import Garage, Memory, Program, compiled, requests
from bench.tools import Measured, Tool, ours, peers

PROJECT = Path(__file__).parent.parent
DELAYS = (0, 20)
SCENARIOS = {
    "first": "first upload",
    "same": "no change",
    "touch": "times new, same content",
    "change": "1 % changed, times new",
}


class Bench:
    """One session: a server, the tools, and what was measured."""

    def __init__(self, serve: Callable[[], Memory | Garage], tools: list[Tool], target: Path, runs: int) -> None:
        self.serve, self.tools, self.target, self.runs = serve, tools, target, runs
        self.server = serve()
        self.rows: list[dict[str, object]] = []
        self._buckets = self._changes = 0

    def bucket(self) -> str:
        """A new, empty bucket."""
        self._buckets += 1
        name = f"bench-{self._buckets}"
        self.server.create(name)
        return name

    def line(self, milliseconds: int) -> Program:
        """A delay line in front of the server."""
        return Program(compiled("delay", self.target), str(self.server.port), str(milliseconds))

    def renew(self, files: Path) -> None:
        """A new server, to which `files` were uploaded once, unmeasured.

        Garage keeps equal blocks once, so that whoever comes first pays for all, and gets slower with what it holds.
        """
        self.server.close()
        self.server = self.serve()
        self.tools[0].run(f"http://127.0.0.1:{self.server.port}", files, self.bucket(), self.server.region)

    def record(self, scenario: str, delay: int, tool: Tool, all_runs: list[Measured], count: int | None) -> None:
        """Keep the medians of some runs, and print them."""
        row: dict[str, object] = {"scenario": scenario, "delay": delay, "tool": tool.name}
        for name in asdict(all_runs[0]):
            row[name] = round(statistics.median(getattr(one, name) for one in all_runs), 3)
        row["spread"] = [round(min(one.wall for one in all_runs), 3), round(max(one.wall for one in all_runs), 3)]
        row["requests"] = count
        self.rows.append(row)
        print(
            f"{scenario:8} {delay:3} ms  {tool.name:15} {row['wall']:8.2f} s  {row['cpu']:8.2f} s CPU"
            f"  {row['memory']:7.1f} MB  {count if count is not None else '':>7}",
            flush=True,
        )

    def site(self, delay: int, files: Path) -> None:
        """The four scenarios of a site of 5,000 files, each tool in turn, another one first each time."""
        taken: dict[tuple[str, str], list[Measured]] = {}
        counts: dict[tuple[str, str], int | None] = {}
        for run in range(self.runs):
            self.renew(files)
            first = run % len(self.tools)
            with self.line(delay) as proxy:
                # Without a delay the proxy would only cost: tools then talk to the server itself.
                endpoint = proxy.endpoint if delay else f"http://127.0.0.1:{self.server.port}"
                for tool in self.tools[first:] + self.tools[:first]:
                    bucket = self.bucket()
                    for scenario in SCENARIOS:
                        if scenario == "touch":
                            tree.touch(files)
                        if scenario == "change":
                            # Another seed each time: the same bytes again would be no change.
                            self._changes += 1
                            tree.change(files, 0.01, seed=self._changes)
                        requests(proxy)
                        one = tool.run(endpoint, files, bucket, self.server.region)
                        taken.setdefault((scenario, tool.name), []).append(one)
                        counts[scenario, tool.name] = requests(proxy) if delay else None
        for scenario in SCENARIOS:
            for tool in self.tools:
                key = (scenario, tool.name)
                self.record(scenario, delay, tool, taken[key], counts[key])

    def many(self, files: Path, delay: int) -> None:
        """A hundred thousand objects, nothing changed."""
        bucket = self.bucket()
        self.tools[0].run(f"http://127.0.0.1:{self.server.port}", files, bucket, self.server.region)
        with self.line(delay) as proxy:
            for tool in self.tools:
                requests(proxy)
                runs = [tool.run(proxy.endpoint, files, bucket, self.server.region) for _ in range(self.runs)]
                self.record("100k", delay, tool, runs, requests(proxy) // self.runs)

    def large(self, files: Path) -> None:
        """One file of a gibibyte."""
        self.renew(files)
        for tool in self.tools:
            endpoint = f"http://127.0.0.1:{self.server.port}"
            runs = [tool.run(endpoint, files, self.bucket(), self.server.region) for _ in range(self.runs)]
            self.record("1gib", 0, tool, runs, None)


def ratios(rows: list[dict[str, object]], own: str) -> list[str]:
    """For each measurement, our time, CPU and memory as a share of the best peer's."""
    lines = []
    for scenario, delay in dict.fromkeys((row["scenario"], row["delay"]) for row in rows):
        here = [row for row in rows if (row["scenario"], row["delay"]) == (scenario, delay)]
        mine = next(row for row in here if row["tool"] == own)
        others = [row for row in here if row["tool"] != own]
        if not others:
            continue
        shares = []
        for name in ("wall", "cpu", "memory"):
            best = min(others, key=lambda row: float(str(row[name])))
            share = float(str(mine[name])) / max(float(str(best[name])), 0.001)
            shares.append(f"{name} {share:.2f} of {best['tool']}")
        lines.append(f"{scenario:8} {delay:3} ms  " + "   ".join(shares))
    return lines


def main() -> None:
    """Measure everything that was asked for."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--binary", type=Path, default=PROJECT / f"dist/aws-web-deploy-linux-{_architecture()}")
    parser.add_argument("--peers", type=Path, default=PROJECT / "target/peers/bin", help="where the other tools are")
    parser.add_argument("--server", choices=["garage", "memory"], help="default: garage where it is on the PATH")
    parser.add_argument("--runs", type=int, default=5, help="the median of so many runs counts")
    parser.add_argument("--only", nargs="*", choices=["site", "100k", "1gib"], default=["site", "100k", "1gib"])
    parser.add_argument("--files", type=int, default=5_000)
    parser.add_argument("--many", type=int, default=100_000)
    parser.add_argument("--keep", action="store_true", help="leave docs/ alone")
    options = parser.parse_args()
    target = PROJECT / "target/bench"
    target.mkdir(parents=True, exist_ok=True)
    garage = shutil.which("garage")
    if options.server == "garage" and not garage:
        sys.exit("garage is not installed: cargo install garage --version 2.5.0 --locked")
    bench = Bench(
        lambda: Garage(garage, target) if garage and options.server != "memory" else Memory(target),
        [ours(options.binary), *peers(options.peers)], target, options.runs,
    )
    name = bench.server.name
    versions = {tool.name: tool.version for tool in bench.tools}
    print(f"server: {name}; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print("tools: " + ", ".join(f"{tool} {number}" for tool, number in versions.items()))
    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            root = Path(folder)
            if "site" in options.only:
                tree.grow(root / "site", options.files, 1_000, 50_000)
                for delay in DELAYS:
                    bench.site(delay, root / "site")
            if "100k" in options.only:
                tree.grow(root / "many", options.many, 100, 1_000)
                bench.many(root / "many", 20)
            if "1gib" in options.only:
                (root / "large").mkdir()
                tree.grow(root / "large", 1, 1 << 30, 1 << 30)
                bench.large(root / "large")
    finally:
        bench.server.close()
    print("\n" + "\n".join(ratios(bench.rows, bench.tools[0].name)))
    if not options.keep:
        result = {
            "server": name, "cores": os.cpu_count(), "runs": options.runs, "versions": versions, "rows": bench.rows,
        }
        (PROJECT / "docs/benchmarks.json").write_text(json.dumps(result, indent=1) + "\n")
        (PROJECT / "docs/benchmarks.svg").write_text(plot.draw(bench.rows, versions, name))


def _architecture() -> str:
    return "arm64" if os.uname().machine == "aarch64" else "x64"


if __name__ == "__main__":
    main()
