"""Plots as inline SVG: how many people over time, how loud, and the paths people took."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from onlooker.analysis.drawing import color_of
from onlooker.analysis.people import Person, count_inside

WIDTH, HEIGHT = 1000, 160
MOST_POINTS = 600
MOST_PATH_POINTS = 120


def css_color(track_id: int) -> str:
    """The colour of a track as in the annotated video."""
    return "#{:02x}{:02x}{:02x}".format(*color_of(track_id))


def occupancy(people: Sequence[Person], start: float, end: float) -> tuple[Markup, int]:
    """Step plot of the number of people in the picture, and its maximum."""
    edges = sorted({start, end, *(t for p in people for visit in p.visits for t in visit)})
    if len(edges) > MOST_POINTS:
        edges = list(np.linspace(start, end, MOST_POINTS))
    middles = (np.array(edges[:-1]) + np.array(edges[1:])) / 2
    counts = count_inside(list(people), middles)
    top = max(1, int(counts.max(initial=0)))
    points = [f"0,{HEIGHT}"]
    for left, right, count in zip(edges[:-1], edges[1:], counts, strict=True):
        level = HEIGHT - HEIGHT * int(count) / top
        points += [f"{_x(left, start, end):.1f},{level:.1f}", f"{_x(right, start, end):.1f},{level:.1f}"]
    points.append(f"{WIDTH},{HEIGHT}")
    grid = "".join(
        f'<line x1="0" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>'
        for y in (HEIGHT - HEIGHT * k / top for k in range(0, top + 1, max(1, top // 4)))
    )
    return _svg(f'{grid}<polygon points="{" ".join(points)}" class="area"/>', "People in the picture over time"), top


def loudness(starts: NDArray[np.float64], rms: NDArray[np.float32], start: float, end: float) -> Markup:
    """Sound level from -70 dBFS (bottom) to 0 dBFS (top)."""
    if len(starts) > MOST_POINTS:
        groups = np.array_split(np.arange(len(starts)), MOST_POINTS)
        starts = np.array([starts[g[0]] for g in groups])
        rms = np.array([rms[g].max() for g in groups])
    level = np.clip(-rms / 70, 0, 1) * HEIGHT
    line = " ".join(f"{_x(t, start, end):.1f},{y:.1f}" for t, y in zip(starts, level, strict=True))
    body = f'<polygon points="0,{HEIGHT} {line} {WIDTH},{HEIGHT}" class="area sound"/>'
    return _svg(body, "Sound level over time")


def paths(people: Sequence[Person], width: int, height: int, background: str | None) -> Markup:
    """Where people went: foot points as lines over a picture of the scene (a data URI)."""
    stroke = max(1.5, height / 240)
    picture = f'<image href="{background}" width="{width}" height="{height}"/>' if background else ""
    lines = []
    for person in people:
        feet = person.feet
        step = max(1, len(feet) // MOST_PATH_POINTS)
        for first, last in person.visits:
            inside = np.flatnonzero((person.times >= first) & (person.times <= last))[::step]
            points = " ".join(f"{x:.0f},{y:.0f}" for x, y in feet[inside])
            lines.append(
                f'<polyline data-person="{person.track_id}" points="{points}" fill="none" '
                f'stroke="{css_color(person.track_id)}" stroke-width="{stroke:.1f}" stroke-linejoin="round"/>'
            )
    return Markup(  # numbers and our own colours only
        f'<svg viewBox="0 0 {width} {height}" class="paths" role="img" aria-label="Paths of people over the scene">'
        f"{picture}{''.join(lines)}</svg>"
    )


def _x(time: float, start: float, end: float) -> float:
    return WIDTH * (time - start) / max(end - start, 1e-9)


def _svg(body: str, label: str) -> Markup:
    return Markup(  # numbers only
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" class="plot" role="img" '
        f'aria-label="{label}">{body}</svg>'
    )
