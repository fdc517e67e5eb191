"""Builds, verifies and checks the binaries in `dist/`.

    python3 scripts/dist.py build [TARGET…]   build from a clean copy of the tracked sources into dist/
    python3 scripts/dist.py verify [TARGET…]  build again and compare bytes with dist/
    python3 scripts/dist.py check             compare digest, checksum, size and mode without a build
    python3 scripts/dist.py digest            print the digest of the sources

TARGET is `linux-x64` or `linux-arm64`; none means both. `--cold` throws away what earlier builds left behind.
docs/building.md tells why each step is needed for equal bytes.
"""

import argparse
import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import notices
import sources

DIST = sources.REPOSITORY / "dist"
SUMS = DIST / "SHA256SUMS"
NOTICES = DIST / "THIRD-PARTY-LICENSES.txt"
ZIGLANG = Path(__file__).with_name("ziglang.txt")
LARGEST = 8_000_000
NAME = "aws-web-deploy"

# name in dist/ -> (Rust target, zig target)
TARGETS = {
    "linux-x64": ("x86_64-unknown-linux-musl", "x86_64-linux-musl"),
    "linux-arm64": ("aarch64-unknown-linux-musl", "aarch64-linux-musl"),
}

# One place for everybody: another directory changes the package's path in the crate metadata, and with it symbol
# hashes and the order of functions.
ROOT = Path("/tmp/aws-web-deploy-build")
SOURCES = ROOT / "sources"
TARGET_DIR = ROOT / "target"
BIN = ROOT / "bin"
ZIG = ROOT / "ziglang"
CARGO_HOME = ROOT / "cargo"

# What of a person's own configuration of cargo is kept: where crates come from. `Cargo.lock` has their hashes.
KEPT_CONFIGURATION = ("source", "registries", "registry", "http", "net")

# What a build may see of the environment. RUSTFLAGS, CFLAGS, CC, CARGO_PROFILE_*, RUSTUP_TOOLCHAIN and the like change
# bytes.
PASSED = re.compile(
    r"PATH|HOME|USER|LOGNAME|TMPDIR|LANG|CARGO_HOME|RUSTUP_HOME|RUSTUP_DIST_SERVER|RUSTUP_UPDATE_ROOT"
    r"|CARGO_HTTP_\w+|CARGO_NET_\w+|CARGO_REGISTRIES_\w+|CARGO_REGISTRY_\w+|CARGO_SOURCE_\w+|CARGO_TERM_\w+"
    r"|PIP_\w+|SSL_CERT_\w+|REQUESTS_CA_BUNDLE|(?i:https?_proxy|no_proxy|all_proxy)"
)


class Failure(Exception):
    """Says to a person what is wrong and what to do."""


def binary(name: str, folder: Path = DIST) -> Path:
    """Where the binary for `name` is."""
    return folder / f"{NAME}-{name}"


def sha256(path: Path) -> str:
    """The SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def run(*command, env: dict[str, str], **options) -> None:
    """Runs a command that must succeed."""
    try:
        subprocess.run([str(part) for part in command], check=True, env=env, **options)
    except FileNotFoundError as error:
        raise Failure(f"`{command[0]}` is not installed") from error
    except subprocess.CalledProcessError as error:
        raise Failure(f"`{' '.join(map(str, command))}` failed with exit code {error.returncode}") from error


@contextlib.contextmanager
def build_place(cold: bool):
    """The fixed place of the build, ours alone until the build is over."""
    ROOT.mkdir(mode=0o700, exist_ok=True)
    found = ROOT.lstat()
    # /tmp is everybody's: what somebody else may write into must not reach a binary that people run.
    if ROOT.is_symlink() or found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise Failure(f"`{ROOT}` must be a directory that only this user can write to; remove it")
    with (ROOT / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("another build is running, waiting for it", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        if cold:
            for folder in (SOURCES, TARGET_DIR, BIN, CARGO_HOME):
                shutil.rmtree(folder, ignore_errors=True)
        yield


def copy_sources() -> None:
    """Makes `SOURCES` equal to the tracked sources; a file that did not change keeps its time for cargo."""
    wanted = sources.tracked()
    for path in sorted(SOURCES.rglob("*"), reverse=True):
        if path.is_dir():
            with contextlib.suppress(OSError):
                path.rmdir()
        elif str(path.relative_to(SOURCES)) not in wanted:
            path.unlink()
    for name in wanted:
        source, copy = sources.REPOSITORY / name, SOURCES / name
        content = source.read_bytes()
        if not copy.is_file() or copy.read_bytes() != content:
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(content)


def install_ziglang(env: dict[str, str]) -> None:
    """Installs the pinned C compiler once."""
    stamp = ZIG / "installed"
    if stamp.is_file() and stamp.read_text() == ZIGLANG.read_text():
        return
    shutil.rmtree(ZIG, ignore_errors=True)
    venv = ROOT / "venv"
    run(sys.executable, "-m", "venv", "--clear", venv, env=env)
    run(venv / "bin/pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes",
        "--only-binary", ":all:", "--target", ZIG, "-r", ZIGLANG, env=env)
    stamp.write_text(ZIGLANG.read_text())


def write_helpers() -> None:
    """Writes `cc-TARGET` and `ar` (zig takes other target names than cc-rs gives) and the linker script into `BIN`."""
    BIN.mkdir(exist_ok=True)
    zig = ZIG / "ziglang/zig"
    for name, (_, target) in TARGETS.items():
        script(BIN / f"cc-{name}", f"""\
#!/bin/sh
for argument do
  shift
  case $argument in --target=*) ;; *) set -- "$@" "$argument" ;; esac
done
exec {zig} cc -target {target} "$@"
""")
    script(BIN / "ar", f'#!/bin/sh\nexec {zig} ar "$@"\n')
    # Unwind tables: the standard library brings them along although `panic = "abort"` never reads them.
    # CRC tables: crc-fast brings those of fifty CRCs, of which S3 knows three; the others become zeros, which take no
    # place in the file (https://github.com/awesomized/crc-fast-rust/issues/61).
    changed = script(BIN / "sections.ld", """\
SECTIONS { /DISCARD/ : { *(.eh_frame) *(.gcc_except_table*) } } INSERT AFTER .rodata;
SECTIONS {
  .unused_crc_tables (NOLOAD) : {
    *(.rodata._ZN8crc_fast6tables5crc16*)
    *(.rodata._ZN8crc_fast6tables5crc32*CRC32_[!I]*)
    *(.rodata._ZN8crc_fast6tables5crc64*CRC64_[!N]*)
  }
} INSERT AFTER .bss;
""")
    if changed:
        # Cargo knows nothing of this file, and would not link again.
        shutil.rmtree(TARGET_DIR, ignore_errors=True)


def script(path: Path, text: str) -> bool:
    """Writes a file that may be executed, unless it is there already; whether it did."""
    if path.is_file() and path.read_text() == text:
        return False
    path.write_text(text)
    path.chmod(0o755)
    return True


def isolate(env: dict[str, str]) -> None:
    """Gives cargo a home of its own, with no configuration in it but `KEPT_CONFIGURATION`.

    Cargo reads `.cargo/config.toml` of its home, of the directory it is started in and of all above it: wrappers,
    profiles and flags can stand there, and /tmp, above the place of the build, is everybody's. So `cargo` starts it in
    the root directory. Crates are unpacked into that home, too, where no editor has been at them.
    """
    own = Path(env.get("CARGO_HOME") or Path.home() / ".cargo")
    found: dict = {}
    # The name without an ending is older and wins: https://doc.rust-lang.org/cargo/reference/config.html
    for name in ("config", "config.toml"):
        if (own / name).is_file():
            found = tomllib.loads((own / name).read_text())
            break
    CARGO_HOME.mkdir(mode=0o700, exist_ok=True)
    kept = {name: found[name] for name in KEPT_CONFIGURATION if name in found}
    (CARGO_HOME / "config.toml").write_text("".join(f"{name} = {toml(value)}\n" for name, value in kept.items()))
    env["CARGO_HOME"] = str(CARGO_HOME)
    # rustup, too, looks for its file from the directory that it is started in.
    env["RUSTUP_TOOLCHAIN"] = channel()


def toml(value) -> str:
    """A value of TOML on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


def cargo(*arguments, env: dict[str, str], **options) -> None:
    """Runs cargo for the sources, in the root directory: only its owner could put a configuration there."""
    run("cargo", *arguments, "--manifest-path", SOURCES / "Cargo.toml", env=env, cwd="/", **options)


def channel() -> str:
    """The pinned toolchain's name."""
    return tomllib.loads((SOURCES / "rust-toolchain.toml").read_text())["toolchain"]["channel"]


def toolchain(env: dict[str, str]) -> tuple[Path, str]:
    """The pinned toolchain's directory and commit, with both targets installed."""
    with contextlib.suppress(FileNotFoundError):
        subprocess.run(["rustup", "target", "add", *(rust for rust, _ in TARGETS.values())],
                       check=True, env=env, cwd=SOURCES, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        ask = {"check": True, "env": env, "cwd": SOURCES, "stdout": subprocess.PIPE, "text": True}
        sysroot = Path(subprocess.run(["rustc", "--print", "sysroot"], **ask).stdout.strip())
        version = subprocess.run(["rustc", "--version", "--verbose"], **ask).stdout
    except FileNotFoundError as error:
        raise Failure("`rustc` is not installed; see https://rustup.rs") from error
    if f"release: {channel()}\n" not in version:
        raise Failure(f"the binaries are built with Rust {channel()}, but this is {version.splitlines()[0]}")
    if "host: x86_64-unknown-linux-gnu\n" not in version:
        raise Failure("the binaries are built on x86_64 Linux with glibc: another host gives other symbol hashes")
    for rust, _ in TARGETS.values():
        if not (sysroot / "lib/rustlib" / rust).is_dir():
            raise Failure(f"the target `{rust}` is not installed: rustup target add {rust}")
    return sysroot, re.search(r"commit-hash: (\w+)", version)[1]


def build(names: list[str]) -> tuple[dict[str, Path], str]:
    """Builds the binaries for `names` in the fixed place; also the licence texts that go with them."""
    env = {key: value for key, value in os.environ.items() if PASSED.fullmatch(key)}
    copy_sources()
    install_ziglang(env)
    write_helpers()
    sysroot, commit = toolchain(env)
    isolate(env)
    # Where the crates are is known once they are there.
    cargo("fetch", "--locked", "--quiet", env=env)
    flags = [
        f"--remap-path-prefix={CARGO_HOME}=/cargo",
        # The last that fits is used. Short, for hundreds of these paths are in the binary; and the name of the directory
        # says from where the crates were fetched.
        *(f"--remap-path-prefix={registry}=" for registry in sorted((CARGO_HOME / "registry/src").glob("*"))),
        f"--remap-path-prefix={SOURCES}=/aws-web-deploy",
        # Where the component rust-src is installed, rustc writes its real path.
        f"--remap-path-prefix={sysroot}/lib/rustlib/src/rust=/rustc/{commit}",
        # The linker comes with the toolchain, the start files and libc with the target: no system library.
        "-Clinker=rust-lld",
        "-Clinker-flavor=ld.lld",
        "-Clink-self-contained=yes",
        "-Ctarget-feature=+crt-static",
        # Size: relocations as a bitmap, functions of the same code once, no tables for an unwinding that never happens.
        "-Clink-arg=--pack-dyn-relocs=relr",
        "-Clink-arg=--icf=all",
        "-Clink-arg=--no-eh-frame-hdr",
        f"-Clink-arg=--script={BIN / 'sections.ld'}",
    ]
    env |= {
        "CARGO_INCREMENTAL": "0",
        "CARGO_TARGET_DIR": str(TARGET_DIR),
        "CARGO_ENCODED_RUSTFLAGS": "\x1f".join(flags),
        "SOURCE_DATE_EPOCH": "0",
        "ZIG_GLOBAL_CACHE_DIR": str(ROOT / "zig-cache"),
        "ZIG_LOCAL_CACHE_DIR": str(ROOT / "zig-cache"),
        "LC_ALL": "C",
    }
    command = ["build", "--locked", "--release", "--bin", NAME]
    for name in names:
        rust = TARGETS[name][0]
        variable = rust.replace("-", "_")
        env[f"CC_{variable}"] = str(BIN / f"cc-{name}")
        env[f"AR_{variable}"] = str(BIN / "ar")
        env[f"CFLAGS_{variable}"] = f"-ffile-prefix-map={CARGO_HOME}=/cargo"
        command += ["--target", rust]
    # One call for all targets: build scripts and macros are compiled once, and the links run beside one another.
    cargo(*command, env=env)
    built = {name: TARGET_DIR / TARGETS[name][0] / "release" / NAME for name in names}
    # The same for both targets: no dependency is for one of them alone.
    described = ROOT / "metadata.json"
    with described.open("w") as file:
        cargo("metadata", "--locked", "--format-version", "1", "--filter-platform", TARGETS["linux-x64"][0],
              env=env, stdout=file, stderr=subprocess.DEVNULL)
    return built, notices.notices(json.loads(described.read_text()))


def command_build(names: list[str], cold: bool) -> None:
    """`build`: into dist/."""
    with build_place(cold):
        built, licences = build(names)
        for name, path in built.items():
            target = binary(name)
            # A new file: the old one may be running.
            target.unlink(missing_ok=True)
            shutil.copyfile(path, target)
            target.chmod(0o755)
        NOTICES.write_text(licences)
    there = [binary(name) for name in sorted(TARGETS) if binary(name).is_file()]
    SUMS.write_text("".join(f"{sha256(path)}  {path.name}\n" for path in there))
    for path in there:
        print(f"{path.name}: {path.stat().st_size:,} bytes, sha256 {sha256(path)}")
    command_check(names)


def command_verify(names: list[str], cold: bool) -> None:
    """`verify`: the bytes in dist/ are those that the sources give."""
    missing = [str(path.name) for path in [*map(binary, names), SUMS, NOTICES] if not path.is_file()]
    if missing:
        raise Failure(f"dist/ lacks {', '.join(missing)}; run `make dist`")
    with build_place(cold):
        different = []
        built, licences = build(names)
        for name, path in built.items():
            same = path.read_bytes() == binary(name).read_bytes()
            print(f"{binary(name).name}: {'same bytes' if same else 'DIFFERENT'}, built {sha256(path)}")
            if not same:
                different.append(f"{binary(name).name} ({sha256(binary(name))} in dist/, {sha256(path)} built)")
        if NOTICES.read_text() != licences:
            different.append(NOTICES.name)
    if different:
        raise Failure(f"not what the sources give: {', '.join(different)}; run `make dist`")
    command_check(names)


def command_check(names: list[str]) -> None:
    """`check`: everything that can be said about dist/ without a build."""
    problems = []
    digest = sources.digest()
    version = tomllib.loads((sources.REPOSITORY / "Cargo.toml").read_text())["package"]["version"]
    sums = dict(reversed(line.split("  ")) for line in SUMS.read_text().splitlines()) if SUMS.is_file() else {}
    for name in names:
        path = binary(name)
        if not path.is_file():
            problems.append(f"{path.name} is missing")
            continue
        content = path.read_bytes()
        expected = f"{NAME} {version} ({TARGETS[name][0]}, sources {digest})"
        if expected.encode() not in content:
            found = re.search(rb"aws-web-deploy \S+ \([\w-]+, sources [0-9a-f]{64}\)", content)
            problems.append(f"{path.name} is {found[0].decode() if found else 'of unknown sources'}, not {expected}")
        if sums.get(path.name) != hashlib.sha256(content).hexdigest():
            problems.append(f"{path.name} is not what SHA256SUMS says")
        if len(content) > LARGEST:
            problems.append(f"{path.name} has {len(content):,} bytes, more than {LARGEST:,}")
        if not os.access(path, os.X_OK):
            problems.append(f"{path.name} is not executable")
    if not NOTICES.is_file():
        problems.append(f"{NOTICES.name} is missing")
    if problems:
        raise Failure("dist/ does not fit the sources (run `make dist`): " + "; ".join(problems))
    print(f"dist/ fits the sources {digest}")


def main() -> int:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["build", "verify", "check", "digest"])
    parser.add_argument("targets", nargs="*", metavar="TARGET", default=[])
    parser.add_argument("--cold", action="store_true", help="throw away what earlier builds left behind")
    given = parser.parse_args()
    names = given.targets or list(TARGETS)
    started = time.monotonic()
    try:
        if unknown := [name for name in names if name not in TARGETS]:
            raise Failure(f"unknown target `{unknown[0]}`; there are {', '.join(TARGETS)}")
        match given.command:
            case "build":
                command_build(names, given.cold)
            case "verify":
                command_verify(names, given.cold)
            case "check":
                command_check(names)
            case "digest":
                print(sources.digest())
    except Failure as failure:
        print(f"error: {failure}", file=sys.stderr)
        return 1
    if given.command in ("build", "verify"):
        print(f"{given.command}: {time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
