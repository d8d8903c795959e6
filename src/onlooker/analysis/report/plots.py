"""Plots as inline SVG: how many people over time, how loud, and the paths people took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from onlooker.analysis.people import Person, count_inside
from onlooker.analysis.report.clock import count_ticks
from onlooker.analysis.report.colors import css_color
from onlooker.analysis.report.overlay import thin

WIDTH, HEIGHT = 1000, 160
BINS = 500
QUIETEST = -70.0  # dBFS at the bottom of the sound plot; digital silence is far below
SMOOTH_SECONDS = 0.8
MOST_PATHS = 60
SHORTEST_PATH = 0.02  # of the picture's diagonal: who moved less stood still


@dataclass(frozen=True)
class Plot:
    """A plot over time: the drawing, which stretches to any width, and (part of the height, text) of its ticks."""

    drawing: Markup
    ticks: list[tuple[float, str]]


@dataclass(frozen=True)
class PathPlot:
    """Paths over one picture, and whose they are; `left_out` people moved as well but would only make it unreadable."""

    drawing: Markup
    people: list[int]
    left_out: int


def occupancy(people: Sequence[Person], start: float, end: float) -> Plot:
    """Step plot of the number of people in the picture; the most in each bin where there are more steps than bins."""
    edges = np.unique([start, end, *(t for p in people for visit in p.visits for t in visit)])
    edges = edges[(edges >= start) & (edges <= end)]
    counts = count_inside(people, edges[:-1])
    if len(counts) > BINS:
        bins = np.linspace(start, end, BINS + 1)
        most = np.maximum(count_inside(people, bins[:-1]), 0)
        np.maximum.at(most, np.clip(np.searchsorted(bins, edges[:-1], side="right") - 1, 0, BINS - 1), counts)
        edges, counts = bins, most
    top = max(1, int(counts.max(initial=0)))
    heights = HEIGHT - HEIGHT * counts / top
    points = [f"0,{HEIGHT}"]
    for left, right, y in zip(_x(edges[:-1], start, end), _x(edges[1:], start, end), heights, strict=True):
        points += [f"{left:.1f},{y:.1f}", f"{right:.1f},{y:.1f}"]
    ticks = [(tick / top, str(tick)) for tick in count_ticks(top)]
    area = f'<polygon points="{" ".join(points)} {WIDTH},{HEIGHT}" class="area"/>'
    return Plot(_svg(_grid(ticks) + area, "People in the picture over time"), ticks)


def loudness(starts: NDArray[np.float64], rms: NDArray[np.float32], start: float, end: float) -> Plot | None:
    """Sound level in dBFS, the loudest of each bin; None when there is nothing but silence."""
    if not len(starts) or float(rms.max()) <= QUIETEST:
        return None
    if len(starts) > BINS:
        groups = np.array_split(np.arange(len(starts)), BINS)
        starts, rms = np.array([starts[g[0]] for g in groups]), np.array([rms[g].max() for g in groups])
    level = HEIGHT * np.clip(rms / QUIETEST, 0, 1)
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(_x(starts, start, end), level, strict=True))
    first, last = _x(starts[[0, -1]], start, end)
    ticks = [(1 - tick / QUIETEST, f"{tick}".replace("-", "−")) for tick in (0, -20, -40, -60)]
    area = f'<polygon points="{first:.1f},{HEIGHT} {line} {last:.1f},{HEIGHT}" class="area sound"/>'
    return Plot(_svg(_grid(ticks) + area, "Sound level over time"), ticks)


def paths(
    people: Sequence[Person], size: tuple[int, int], stretch: float, background: str | None, span: tuple[float, float]
) -> PathPlot | None:
    """Where people's feet went during `span` over a picture of the scene (a data URI); None when nobody moved.

    A path starts at a ring and ends at a dot; `stretch` is the width of a pixel relative to its height.
    """
    width, height = size
    found = [(p, lines) for p in people if (lines := _lines(p, span, 0.004 * np.hypot(width, height)))]
    found = [(p, lines) for p, lines in found if _extent(lines) > SHORTEST_PATH * np.hypot(width, height)]
    if not found:
        return None
    shown = sorted(found, key=lambda item: -_extent(item[1]))[:MOST_PATHS]
    shown.sort(key=lambda item: (item[0].times[0], item[0].track_id))
    picture = f'<image href="{background}" width="{width}" height="{height}" preserveAspectRatio="none"/>'
    body = "".join(_path(person.track_id, lines) for person, lines in shown)
    svg = Markup(  # numbers, our own colours and our own picture only
        f'<svg viewBox="0 0 {width} {height}" preserveAspectRatio="none" class="paths" role="img" '
        f'style="aspect-ratio:{width * stretch:.1f}/{height}" aria-label="Paths of people over the scene">'
        f"{picture if background else ''}{body}</svg>"
    )
    return PathPlot(svg, [person.track_id for person, _ in shown], len(found) - len(shown))


def _path(track: int, lines: list[NDArray[np.float64]]) -> str:
    color = css_color(track)
    points = ["M" + "L".join(f"{x:.0f} {y:.0f}" for x, y in line) for line in lines]
    ends = "".join(
        f'<path d="M{x:.0f} {y:.0f}h0" class="{name}" stroke="{color}"/>'
        for (x, y), name in ((lines[0][0], "from"), (lines[0][0], "hole"), (lines[-1][-1], "to"))
    )
    data = "".join(points)
    return (
        f'<g data-person="{track}" data-tip="Person {track}"><path d="{data}" class="casing"/>'
        f'<path d="{data}" class="line" stroke="{color}"/>{ends}</g>'
    )


def _lines(person: Person, span: tuple[float, float], tolerance: float) -> list[NDArray[np.float64]]:
    """Smoothed foot points of each visit inside the span, without the points that straight lines replace."""
    found = []
    for first, last in person.visits:
        low, high = max(first, span[0]), min(last, span[1])
        inside = np.flatnonzero((person.times >= low) & (person.times < high))
        if len(inside) < 2:
            continue
        times = person.times[inside]
        points = _smooth(person.feet[inside].astype(float), times)
        found.append(points[thin(times, points, tolerance)])
    return found


def _smooth(points: NDArray[np.float64], times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over a window of time around each point, narrower towards the ends so that they stay where they are."""
    half = np.minimum(SMOOTH_SECONDS / 2, np.minimum(times - times[0], times[-1] - times)) + 1e-9
    first = np.searchsorted(times, times - half, side="left")
    last = np.searchsorted(times, times + half, side="right")
    sums = np.concatenate([np.zeros((1, 2)), np.cumsum(points, 0)])
    mean: NDArray[np.float64] = (sums[last] - sums[first]) / (last - first)[:, None]
    return mean


def _extent(lines: list[NDArray[np.float64]]) -> float:
    """Diagonal of what all lines of one person cover."""
    return float(np.hypot(*np.ptp(np.concatenate(lines), axis=0)))


def _x(times: NDArray[np.float64], start: float, end: float) -> NDArray[np.float64]:
    return np.asarray(np.clip(WIDTH * (times - start) / max(end - start, 1e-9), 0, WIDTH))


def _grid(ticks: list[tuple[float, str]]) -> str:
    lines = (
        f'<line x1="0" x2="{WIDTH}" y1="{HEIGHT * (1 - at):.1f}" y2="{HEIGHT * (1 - at):.1f}"/>' for at, _ in ticks
    )
    return f'<g class="grid">{"".join(lines)}</g>'


def _svg(body: str, label: str) -> Markup:
    return Markup(  # numbers only
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" class="plot" role="img" '
        f'aria-label="{label}">{body}</svg>'
    )
