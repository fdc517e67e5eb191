"""Writes the software bill of materials of the binaries: CycloneDX JSON of the crates that are linked into them.

    python3 scripts/sbom.py FILE

The same tree gives the same bytes: no time, no serial number. https://cyclonedx.org/docs/1.6/json/
"""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import notices
import sources

# The target does not matter: no dependency is for one of them alone.
TARGET = "x86_64-unknown-linux-musl"


def bill(manifest: Path = sources.REPOSITORY / "Cargo.toml") -> dict:
    """The bill of materials of the crate of `manifest`."""
    command = ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", TARGET, "--manifest-path", str(manifest)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    metadata = json.loads(done.stdout)
    packages = {package["id"]: package for package in metadata["packages"]}
    root = packages[metadata["resolve"]["root"]]
    linked = notices.linked(metadata["resolve"], packages)
    locked = tomllib.loads(manifest.with_name("Cargo.lock").read_text())["package"]
    checksums = {(package["name"], package["version"]): package.get("checksum") for package in locked}
    inside = {package["id"] for package in linked}
    edges = {node["id"]: sorted(purl(packages[one]) for one in node["dependencies"] if one in inside) for node in metadata["resolve"]["nodes"]}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": component(root, "application", None)},
        "components": [
            component(package, "library", checksums[package["name"], package["version"]])
            for package in sorted(linked, key=purl)
        ],
        "dependencies": [
            {"ref": purl(package), "dependsOn": edges[package["id"]]} for package in sorted([root, *linked], key=purl)
        ],
    }


def purl(package: dict) -> str:
    """https://github.com/package-url/purl-spec: what names a crate everywhere."""
    return f"pkg:cargo/{package['name']}@{package['version']}"


def component(package: dict, kind: str, checksum: str | None) -> dict:
    """A crate."""
    described = {
        "type": kind,
        "bom-ref": purl(package),
        "name": package["name"],
        "version": package["version"],
        "purl": purl(package),
    }
    if package["license"]:
        # Old crates write `MIT/Apache-2.0`, which is no SPDX expression.
        described["licenses"] = [{"expression": re.sub(r"\s*/\s*", " OR ", package["license"])}]
    if checksum:
        described["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    if package["repository"]:
        described["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
    return described


def main() -> None:
    """Writes the file."""
    Path(sys.argv[1]).write_text(json.dumps(bill(), indent=1) + "\n")


if __name__ == "__main__":
    main()
