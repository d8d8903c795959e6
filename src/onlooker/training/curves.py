"""A page of curves from the log: one HTML file, inline SVG, no script and nothing fetched."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path

from onlooker.storage import atomic_write
from onlooker.training.log import Row, read_log

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 640, 260, 64, 34, 14, 14
COLOURS = ("#0b7285", "#c2410c", "#5f3dc4", "#2b8a3e")
POINTS = 2000

Points = list[tuple[float, float]]

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --text: #333; --back: #fff }
@media (prefers-color-scheme: dark) { :root { --text: #ddd; --back: #16181c } }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; padding: 0 1rem; max-width: 1360px; color: var(--text);
  background: var(--back) }
main { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); gap: 1.5rem }
h1 { font-size: 1.4rem } h2 { font-size: 1rem; margin: 0 0 .3rem }
svg { width: 100%; height: auto } text { font-size: 12px; fill: var(--text) }
.grid { stroke: var(--line) } .curve { fill: none; stroke-width: 1.6 }
"""


def write_curves(folder: str | Path) -> Path:
    """Draw `log.jsonl` of a run folder to `curves.html` in it. Raises StorageError."""
    folder = Path(folder)
    rows = read_log(folder / "log.jsonl")
    steps = [row for row in rows if row["kind"] == "step"]
    tests = [row for row in rows if row["kind"] == "evaluation"]
    charts = [
        chart("Loss", {"training": _points(steps, "loss"), "validation": _points(tests, "loss")}),
        chart("Accuracy", {"top 1": _points(tests, "top1"), "mean of classes": _points(tests, "mean_class")}),
        chart("Learning rate", {"rate": _points(steps, "rate")}),
        chart("Norm of the gradient", {"norm": _points(steps, "norm")}),
    ]
    skipped = sum(bool(row["skipped"]) for row in steps)
    name = html.escape(folder.resolve().name)
    last = f", last top 1 {tests[-1]['top1']:.3f}" if tests else ""
    page = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{name}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style>'
        f"<h1>{name}</h1><p>{len(steps)} steps, {skipped} skipped{last}.</p><main>{''.join(charts)}</main></html>\n"
    )
    path = folder / "curves.html"
    atomic_write(path, page.encode())
    return path


def _points(rows: Sequence[Row], key: str) -> Points:
    """(step, value) of the rows that have a value; long runs are averaged down to a drawable number."""
    points = [(float(row["step"]), float(row[key])) for row in rows if row[key] is not None]
    size = -(-len(points) // POINTS) or 1
    groups = [points[i : i + size] for i in range(0, len(points), size)]
    return [(group[-1][0], sum(value for _, value in group) / len(group)) for group in groups]


def chart(title: str, curves: dict[str, Points]) -> str:
    """One figure over steps; curves of one colour each, named below."""
    drawn = {name: points for name, points in curves.items() if points}
    if not drawn:
        return f"<figure><h2>{html.escape(title)}</h2><p>nothing yet</p></figure>"
    xs = [x for points in drawn.values() for x, _ in points]
    ys = [y for points in drawn.values() for _, y in points]
    low, high = min(ys), max(ys)
    if high == low:
        low, high = low - abs(low) * 0.1 - 1e-9, high + abs(high) * 0.1 + 1e-9
    first, last = min(xs), max(max(xs), min(xs) + 1)

    def place(x: float, y: float) -> tuple[float, float]:
        across = LEFT + (x - first) / (last - first) * (WIDTH - LEFT - RIGHT)
        return across, TOP + (high - y) / (high - low) * (HEIGHT - TOP - BOTTOM)

    parts = [_grid(low, high, place(first, 0)[0], place)]
    for at in (first, last):
        x = place(at, low)[0]
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - 14}" text-anchor="middle">{at:.0f}</text>')
    for number, (name, points) in enumerate(drawn.items()):
        colour = COLOURS[number % len(COLOURS)]
        path = " ".join("{:.1f},{:.1f}".format(*place(x, y)) for x, y in points)
        parts.append(f'<polyline class="curve" stroke="{colour}" points="{path}"/>')
        if len(points) <= 60:
            dots = (place(x, y) for x, y in points)
            parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{colour}"/>' for x, y in dots]
        parts.append(f'<text x="{LEFT + 90 + 150 * number}" y="{HEIGHT - 2}" style="fill:{colour}">{name}</text>')
    return f'<figure><h2>{html.escape(title)}</h2><svg viewBox="0 0 {WIDTH} {HEIGHT}">{"".join(parts)}</svg></figure>'


def _grid(low: float, high: float, left: float, place: object) -> str:
    assert callable(place)
    lines = []
    for i in range(5):
        value = low + (high - low) * i / 4
        y = place(0, value)[1]
        lines.append(f'<line class="grid" x1="{left:.1f}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        lines.append(f'<text x="{left - 6:.1f}" y="{y + 4:.1f}" text-anchor="end">{value:.3g}</text>')
    return "".join(lines)
