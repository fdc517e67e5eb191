"""The licence texts of the crates that are linked into the binaries, which their licences ask to hand on."""

from pathlib import Path

FILES = ("LICENSE*", "LICENCE*", "COPYING*", "COPYRIGHT*", "NOTICE*", "UNLICENSE*", "c_src/*/LICENSE*")


def notices(metadata: dict) -> str:
    """One text for all crates of `cargo metadata`; each licence text once, under the crates that carry it."""
    packages = {package["id"]: package for package in metadata["packages"]}
    texts: dict[str, list[str]] = {}
    for package in sorted(linked(metadata["resolve"], packages), key=lambda package: (package["name"], package["version"])):
        title = f"{package['name']} {package['version']} ({package['license']})"
        folder = Path(package["manifest_path"]).parent
        found = sorted({path for pattern in FILES for path in folder.glob(pattern) if path.is_file()})
        for text in [read(path) for path in found] or [f"No licence file; by {', '.join(package['authors']) or 'its authors'}.\n"]:
            texts.setdefault(text, []).append(title)
    parts = ["The binaries in this directory hold code of these crates, and of the Rust standard library, musl and mimalloc.\n"]
    for text, titles in sorted(texts.items(), key=lambda item: item[1]):
        parts.append("\n".join(["=" * 100, *titles, "=" * 100, "", text]))
    return "\n".join(parts)


def linked(resolve: dict, packages: dict[str, dict]) -> list[dict]:
    """The packages whose code is in the binary: normal dependencies, without macros and what only they need."""
    nodes = {node["id"]: node for node in resolve["nodes"]}
    seen, waiting = set(), [resolve["root"]]
    while waiting:
        for dependency in nodes[waiting.pop()]["deps"]:
            package = packages[dependency["pkg"]]
            normal = any(kind["kind"] is None for kind in dependency["dep_kinds"])
            macro = any("proc-macro" in target["kind"] for target in package["targets"])
            if normal and not macro and package["id"] not in seen:
                seen.add(package["id"])
                waiting.append(package["id"])
    return [packages[one] for one in seen]


def read(path: Path) -> str:
    """A text with the line ends and the trailing space that do not count taken off, so that equal texts are equal."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(line.rstrip() for line in lines).strip("\n") + "\n"
