"""What the timelines show: per person when and doing what, and above all the shots and the bad stretches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from onlooker.analysis.people import Person
from onlooker.records import Run

MOST_SPANS = 6000
SLIVER = 0.0008  # of the whole length: about a pixel
COMPANY = "together"
ACTIVITIES = ("standing", "walking", "running")
BAD_SOURCES = ("picture_quality/", "stream/")  # whose segments without a track speak of the picture itself

Span = tuple[float, float, str]


@dataclass(frozen=True)
class Strip:
    """A bar on a timeline. `style` places it, `tip` says what it is."""

    start: float
    end: float
    label: str
    style: str


@dataclass(frozen=True)
class Row:
    """One person's timeline."""

    person: Person
    visits: list[Strip]
    doing: list[Strip]
    company: list[Strip]
    actions: list[Strip]
    summary: str


def rows_of(people: Sequence[Person], start: float, end: float) -> list[Row]:
    """A row per person; stretches too short to be seen are joined with their like until the page stays light."""
    shortest = SLIVER * (end - start)
    while True:
        rows = [_row(person, start, end, shortest) for person in people]
        count = sum(len(row.visits) + len(row.doing) + len(row.company) + len(row.actions) for row in rows)
        if count <= MOST_SPANS or shortest > end - start:
            return rows
        shortest *= 2


def shots_lane(run: Run, start: float, end: float) -> list[Strip]:
    """The shots, or nothing when there is one only."""
    columns = [run.shots[name].to_pylist() for name in ("start", "end", "shot")]
    spans = [(a, b, f"shot {number + 1}") for a, b, number in zip(*columns, strict=True)]
    if len(spans) < 2:
        return []
    return [_strip(span, start, end) for span in spans[:: max(1, -(-len(spans) // 400))]]


def bad_stretches(run: Run) -> list[Span]:
    """Where the picture can't be trusted, in order of time; touching ones with the same label are one."""
    return joined(sorted(span for span, source in _pictures(run) if source.startswith(BAD_SOURCES)), 0.05)


def actions_lane(run: Run, start: float, end: float) -> list[Strip]:
    """What happens in the picture as a whole, by a classifier."""
    spans = [span for span, source in _pictures(run) if not source.startswith(BAD_SOURCES)]
    return [_strip(span, start, end) for span in joined(spans, SLIVER * (end - start))[:400]]


def _pictures(run: Run) -> list[tuple[Span, str]]:
    """Segments of nobody in particular, and who says so."""
    columns = [run.segments[name].to_pylist() for name in ("track_id", "start", "end", "label", "source")]
    return [((a, b, label), source) for track, a, b, label, source in zip(*columns, strict=True) if track is None]


def bad_lane(spans: Sequence[Span], start: float, end: float) -> list[Strip]:
    """Bad stretches as bars."""
    return [_strip(span, start, end) for span in joined(spans, SLIVER * (end - start))[:400]]


def joined(spans: Sequence[Span], gap: float) -> list[Span]:
    """Neighbours with the same label and at most `gap` seconds between them as one.

    >>> joined([(0.0, 1.0, "a"), (1.2, 2.0, "a"), (2.0, 3.0, "b")], 0.5)
    [(0.0, 2.0, 'a'), (2.0, 3.0, 'b')]
    """
    found: list[Span] = []
    for span in sorted(spans):
        if found and found[-1][2] == span[2] and span[0] - found[-1][1] <= gap:
            found[-1] = found[-1][0], max(found[-1][1], span[1]), span[2]
        else:
            found.append(span)
    return found


def _row(person: Person, start: float, end: float, shortest: float) -> Row:
    visits = joined([(a, b, "visit") for a, b in person.visits], shortest)
    doing = _visible([span for span in person.activities if span[2] in ACTIVITIES], shortest)
    company = _visible([span for span in person.activities if span[2] == COMPANY], shortest)
    actions = _visible([span for span in person.activities if span[2] not in (*ACTIVITIES, COMPANY)], shortest)
    lanes = [[_strip(span, start, end) for span in spans] for spans in (visits, doing, company, actions)]
    return Row(person, lanes[0], lanes[1], lanes[2], lanes[3], _summary(person))


def _visible(spans: list[Span], shortest: float) -> list[Span]:
    return [span for span in joined(spans, shortest) if span[1] - span[0] >= shortest]


def _strip(span: Span, start: float, end: float) -> Strip:
    length = max(end - start, 1e-9)
    left = min(max((span[0] - start) / length, 0.0), 1.0)
    right = min(max((span[1] - start) / length, left), 1.0)
    return Strip(*span, f"left:{100 * left:.3f}%;width:{100 * (right - left):.3f}%")


def _summary(person: Person) -> str:
    """What they did, longest first."""
    spent: dict[str, float] = {}
    for start, end, label in person.activities:
        spent[label] = spent.get(label, 0.0) + end - start
    longest = sorted(spent.items(), key=lambda item: -item[1])
    return ", ".join(f"{label} {_seconds(seconds)}" for label, seconds in longest[:4])


def _seconds(value: float) -> str:
    return f"{value:.0f} s" if value < 120 else f"{value / 60:.0f} min"


def chapters(run: Run, most: int) -> list[dict[str, Any]]:
    """The shots, evenly thinned to `most`."""
    rows: list[dict[str, Any]] = run.shots.to_pylist()
    return rows[:: max(1, -(-len(rows) // most))]
