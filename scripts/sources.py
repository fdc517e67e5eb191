"""The sources that can change a byte of the binary, and their digest.

`build.rs` computes the same digest and puts it into `--version`. Nothing outside this list is copied to where the
binaries are built, so nothing outside it can have an influence.
"""

import hashlib
import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent

# build.rs holds the same list.
ROOTS = ["Cargo.lock", "Cargo.toml", "build.rs", "data", "rust-toolchain.toml", "src"]


def tracked(repository: Path = REPOSITORY) -> list[str]:
    """Paths of the tracked source files, as in the working tree, sorted by their bytes."""
    listed = subprocess.run(
        ["git", "-C", str(repository), "ls-files", "-z", "--", *ROOTS],
        check=True,
        stdout=subprocess.PIPE,
    ).stdout
    paths = {name for name in listed.split(b"\0") if name}
    return [name.decode() for name in sorted(paths) if (repository / name.decode()).is_file()]


def digest(repository: Path = REPOSITORY) -> str:
    """The SHA-256 of lines `<SHA-256 of the file>  <path>`, sorted by the path's bytes."""
    lines = hashlib.sha256()
    for name in tracked(repository):
        content = hashlib.sha256((repository / name).read_bytes()).hexdigest()
        lines.update(f"{content}  {name}\n".encode())
    return lines.hexdigest()
