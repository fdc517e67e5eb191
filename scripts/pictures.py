"""Makes pictures of the summaries in docs/summaries/: Markdown -> HTML that looks as on GitHub -> PNG by headless Chromium.

`pictures.py` writes `docs/summaries/NAME.png` beside each page (the README shows one), and the repository's social preview,
`docs/social-preview.png`. Outside CI: it needs `chromium` (Debian: `apt-get install chromium fonts-noto-color-emoji`). Each
picture carries the digest of the page that it was made of, which a test compares.
"""

import hashlib
import html
import re
import shutil
import struct
import subprocess
import sys
import zlib
from pathlib import Path

ROOT = Path(__file__).parent.parent
OUT = ROOT / "target/pictures"
WIDTH = 1012
IN_README = "first-deploy"

PAGE = """<!doctype html><meta charset="utf-8"><title>0</title><style>
body {{ font: 16px/1.5 -apple-system, "Segoe UI", "Noto Sans", "Liberation Sans", Arial, sans-serif; color: #1f2328; margin: 24px; }}
h2 {{ font-size: 1.5em; margin: 0 0 16px; padding-bottom: .3em; border-bottom: 1px solid #d1d9e0; }}
a {{ color: #0969da; text-decoration: none; }}
code {{ font: 85% "Liberation Mono", monospace; background: #818b981f; border-radius: 6px; padding: .2em .4em; }}
table {{ border-collapse: collapse; margin-bottom: 16px; }}
th, td {{ border: 1px solid #d1d9e0; padding: 6px 13px; text-align: left; }}
tr:nth-child(2n) td {{ background: #f6f8fa; }}
blockquote {{ margin: 0 0 16px; padding: 8px 16px; border-left: .25em solid #d1242f; }}
blockquote b.caution {{ color: #d1242f; }}
details {{ margin-bottom: 8px; }}
</style><article>{body}</article>
<script>document.title = Math.ceil(document.querySelector("article").getBoundingClientRect().bottom + 24)</script>
"""


# GitHub asks for 1280 x 640 and shows it cut to other shapes, so nothing that matters stands near the edges
# (https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository).
SOCIAL = """<!doctype html><meta charset="utf-8"><style>
body {{ margin: 0; width: 1280px; height: 640px; overflow: hidden; background: #0d1117; color: #f0f6fc; }}
body {{ font: 30px/1.35 "Segoe UI", "Noto Sans", "Liberation Sans", Arial, sans-serif; }}
h1 {{ font-size: 68px; margin: 44px 80px 4px; }}
p {{ margin: 0 80px 28px; color: #b7bdc8; }}
iframe {{ display: block; width: 980px; height: 360px; margin: 0 80px; border: 0; border-radius: 12px; background: #fff; }}
iframe {{ transform: scale(1.14); transform-origin: top left; }}
</style><h1>{name}</h1><p>{promise}</p><iframe src="{page}" scrolling="no"></iframe>
"""
PROMISE = "S3, CloudFront and Elastic Beanstalk in one step, and back with one click"


def inline(text: str) -> str:
    """Markdown inside a line; HTML in it stays, as on GitHub."""
    kept: list[str] = []

    def keep(match: re.Match[str]) -> str:
        kept.append(html.escape(match[1]))
        return f"\0{len(kept) - 1}\0"

    text = re.sub(r"\\([!-/:-@\[-`{-~])", keep, text)
    text = re.sub(r"\[([^\]]*)\]\(([^)\s]*)\)", r'<a href="\2">\1</a>', text)
    text = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", text)
    return re.sub(r"\0(\d+)\0", lambda match: kept[int(match[1])], text)


def table(lines: list[str]) -> str:
    """A table: its head, the rule below it, and rows."""
    rows = [[cell.strip() for cell in line.strip().strip("|").split(" | ")] for line in lines]
    out = "".join(f"<th>{inline(cell)}</th>" for cell in rows[0])
    for row in rows[2:]:
        out += "</tr><tr>" + "".join(f"<td>{inline(cell)}</td>" for cell in row)
    return f"<table><tr>{out}</tr></table>"


def block(lines: list[str]) -> str:
    """A paragraph, a list, a heading, a table or a quotation."""
    if lines[0].startswith("## "):
        return f"<h2>{inline(lines[0][3:])}</h2>"
    if lines[0].startswith("|"):
        return table(lines)
    if lines[0].startswith(">"):
        inner = "\n".join(line.removeprefix(">").removeprefix(" ") for line in lines)
        inner = inner.replace("[!CAUTION]\n", '<b class="caution">Caution</b>\n\n')
        return f"<blockquote>{render(inner)}</blockquote>"
    if lines[0].startswith("- "):
        return "<ul>" + "".join(f"<li>{inline(line[2:])}</li>" for line in lines) + "</ul>"
    text = inline("\n".join(lines))
    return text if text.startswith(("<details", "</details")) else f"<p>{text}</p>"


def render(markdown: str) -> str:
    """Blocks are separated by empty lines."""
    blocks = [part.split("\n") for part in re.split(r"\n\s*\n", markdown.strip())]
    return "\n".join(block(lines) for lines in blocks)


def chromium(*arguments: str) -> str:
    """Run the browser without a window; what it prints."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        sys.exit("error: pictures need `chromium`")
    command = [program, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout


def digest(page: Path) -> str:
    """The SHA-256 of a page."""
    return hashlib.sha256(page.read_bytes()).hexdigest()


def chunks(picture: bytes) -> list[tuple[bytes, bytes]]:
    """The chunks of a PNG file (https://www.w3.org/TR/png-3/#5Chunk-layout)."""
    found, position = [], 8
    while position < len(picture):
        (size,) = struct.unpack_from(">I", picture, position)
        found.append((picture[position + 4 : position + 8], picture[position + 8 : position + 8 + size]))
        position += size + 12
    return found


def source(picture: Path) -> str | None:
    """The digest of the page that `picture` says it was made of."""
    texts = [data.split(b"\0", 1) for name, data in chunks(picture.read_bytes()) if name == b"tEXt"]
    return next((text.decode() for keyword, text in texts if keyword == b"Source"), None)


def sign(picture: Path, page: Path) -> None:
    """Note in `picture` which page it was made of."""
    whole = picture.read_bytes()
    body = b"tEXtSource\0" + digest(page).encode()
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    end = whole.rindex(b"IEND") - 4
    picture.write_bytes(whole[:end] + chunk + whole[end:])


def main() -> None:
    """Make all pictures."""
    OUT.mkdir(parents=True, exist_ok=True)
    for page in sorted((ROOT / "docs/summaries").glob("*.md")):
        file = OUT / f"{page.stem}.html"
        file.write_text(PAGE.format(body=render(page.read_text())))
        title = re.search(r"<title>(\d+)</title>", chromium(f"--window-size={WIDTH},800", "--dump-dom", file.as_uri()))
        assert title, "the page tells its height"
        picture = page.with_suffix(".png")
        chromium(f"--window-size={WIDTH},{title[1]}", f"--screenshot={picture}", file.as_uri())
        sign(picture, page)
        if page.stem == IN_README:
            social = OUT / "social-preview.html"
            social.write_text(SOCIAL.format(name="aws-web-deploy", promise=PROMISE, page=file.name))
            preview = ROOT / "docs/social-preview.png"
            chromium("--window-size=1280,640", f"--screenshot={preview}", social.as_uri())
            sign(preview, page)


if __name__ == "__main__":
    main()
