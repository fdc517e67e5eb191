"""Draws what was measured: one panel a scenario, one bar a tool. Plain SVG that is legible on light and dark pages."""

from xml.sax.saxutils import escape

TITLES = {
    ("first", 0): "First upload, 0 ms",
    ("first", 20): "First upload, 20 ms",
    ("same", 20): "No change, 20 ms",
    ("touch", 20): "Times new, 20 ms",
    ("change", 20): "1 % changed, 20 ms",
    ("100k", 20): "100,000 objects unchanged, 20 ms",
    ("1gib", 0): "One file of 1 GiB, 0 ms",
}
WIDTH, PANEL, BAR, GAP = 760, 360, 18, 6


def draw(rows: list[dict[str, object]], versions: dict[str, str], server: str) -> str:
    """The picture of the panels that were measured, two abreast; the first of `versions` is our own tool's."""
    own = next(iter(versions))
    panels = [(title, _rows(rows, *key)) for key, title in TITLES.items()]
    panels = [(title, bars) for title, bars in panels if bars]
    parts: list[str] = []
    x, y, tallest = 10, 62, 0
    for title, bars in panels:
        height = 26 + len(bars) * (BAR + GAP) + 16
        parts.append(_panel(x, y, title, bars, own))
        tallest = max(tallest, height)
        if x > 10:
            x, y, tallest = 10, y + tallest, 0
        else:
            x += PANEL + 20
    height = y + tallest + 10
    tools = ", ".join(f"{tool.removesuffix(', tuned')} {number}" for tool, number in versions.items())
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
        'font-family="system-ui, sans-serif" font-size="12" role="img">\n'
        f'<rect width="{WIDTH}" height="{height}" rx="8" fill="#ffffff"/>\n'
        f'<text x="10" y="24" font-size="14" font-weight="600" fill="#1f2328">Seconds, less is better '
        f'<tspan font-weight="400" fill="#59636e">({escape(server)}, median)</tspan></text>\n'
        + f'<text x="10" y="42" fill="#59636e">{escape(tools)}</text>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _rows(rows: list[dict[str, object]], scenario: str, delay: int) -> list[tuple[str, float]]:
    return [
        (str(row["tool"]), float(str(row["wall"])))
        for row in rows
        if (row["scenario"], row["delay"]) == (scenario, delay)
    ]


def _panel(x: int, y: int, title: str, bars: list[tuple[str, float]], own: str) -> str:
    longest = max(seconds for _, seconds in bars) or 1
    lines = [f'<text x="{x}" y="{y + 14}" font-weight="600" fill="#1f2328">{escape(title)}</text>']
    for number, (tool, seconds) in enumerate(bars):
        top = y + 26 + number * (BAR + GAP)
        width = max(2, round(seconds / longest * 190))
        colour = "#1a7f64" if tool == own else "#afb8c1"
        lines.append(f'<text x="{x + 98}" y="{top + 13}" text-anchor="end" fill="#1f2328">{escape(tool)}</text>')
        lines.append(f'<rect x="{x + 104}" y="{top}" width="{width}" height="{BAR}" rx="2" fill="{colour}"/>')
        lines.append(f'<text x="{x + 110 + width}" y="{top + 13}" fill="#1f2328">{seconds:.2f}</text>')
    return "\n".join(lines)
