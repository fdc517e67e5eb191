"""The trees that are measured: the same files on every machine, for they grow from one seed."""

import os
import random
from pathlib import Path

EXTENSIONS = ["html"] * 4 + ["css"] + ["js"] * 2 + ["json", "svg", "png", "jpg", "webp", "woff2", "txt", "map"]

MOST = 16 << 20
"""Bytes that are made at once."""


def grow(root: Path, files: int, smallest: int, largest: int, seed: int = 4) -> int:
    """Write `files` files of random sizes below `root`, as a site generator would lay them out; answer their bytes."""
    chance = random.Random(seed)
    directories = [root]
    for number in range(files // 9):
        parent = chance.choice(directories[:64])
        directories.append(parent / f"{chance.choice(('blog', 'docs', 'assets', 'tags', 'img'))}-{number}")
    for directory in directories:
        directory.mkdir(parents=True, exist_ok=True)
    total = 0
    for number in range(files):
        extension = chance.choice(EXTENSIONS)
        size = chance.randint(smallest, largest)
        name = f"page-{number}-{chance.getrandbits(32):08x}.{extension}"
        with open(chance.choice(directories) / name, "wb") as file:
            for start in range(0, size, MOST):
                file.write(text(chance, min(MOST, size - start)))
        total += size
    return total


def text(chance: random.Random, size: int) -> bytes:
    """`size` bytes of hexadecimal text: quick to make, and as little compressible as real assets."""
    return chance.randbytes((size + 1) // 2).hex().encode()[:size]


def touch(root: Path) -> None:
    """Give every file a new time and leave its bytes, as a checkout does."""
    for file in files_of(root):
        os.utime(file)


def change(root: Path, share: float, seed: int) -> int:
    """Change `share` of the files, each to other bytes of the same size; answer how many."""
    chance = random.Random(seed)
    files = files_of(root)
    chosen = chance.sample(files, int(len(files) * share))
    for file in chosen:
        file.write_bytes(text(chance, file.stat().st_size))
    touch(root)
    return len(chosen)


def files_of(root: Path) -> list[Path]:
    """All files below `root`, in a fixed order."""
    return sorted(path for path in root.rglob("*") if path.is_file())
