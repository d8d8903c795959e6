"""What the player needs to mark people: the time of each frame, and every person's boxes, packed as small integers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onlooker.analysis.people import Person
from onlooker.analysis.report.colors import css_color, css_ink

MOST_BOXES = 60_000
EVEN = 0.0005  # seconds that frames may be off an even clock and still be written as one number
JOIN_FRAMES = 12  # gaps that are bridged when there are too many boxes to keep them all


def frame_clock(times: NDArray[np.float64], end: float) -> dict[str, Any]:
    """When each frame is shown, in seconds from the first: `{count, step}` when even, else `{steps}` in milliseconds.

    >>> frame_clock(np.array([2.0, 2.5, 3.0]), 3.5)
    {'count': 3, 'step': 0.5}
    """
    if not len(times):
        return {"count": 0, "step": 1.0}
    shown = times - times[0]
    step = float(shown[-1] / (len(shown) - 1)) if len(shown) > 1 else max(end - float(times[0]), 0.001)
    if np.abs(shown - step * np.arange(len(shown))).max() <= EVEN:
        return {"count": len(shown), "step": round(step, 9)}
    return {"steps": np.diff(np.rint(shown * 1000).astype(int)).tolist()}


def pack_people(people: Sequence[Person], first_frame: int) -> list[dict[str, Any]]:
    """Boxes by frame number from `first_frame`; at most about `MOST_BOXES`, the page interpolates between them.

    Each stretch of successive frames is one flat list: frame, x1, y1, x2, y2 of its first box in whole pixels, then the
    differences from box to box. As long as all boxes fit, none is left out and the overlay is exact.
    """
    stretches = {person.track_id: _stretches(person, 1) for person in people}
    total = sum(len(person.frames) for person in people)
    if total > MOST_BOXES:
        stretches = {person.track_id: _stretches(person, JOIN_FRAMES) for person in people}
        every = max(1, total // (4 * MOST_BOXES))
        stretches = {
            track: [_kept(rows, _every(len(rows), every)) for rows in parts] for track, parts in stretches.items()
        }
        tolerance = 1.0
        while sum(len(rows) for parts in stretches.values() for rows in parts) > MOST_BOXES and tolerance < 1e4:
            stretches = {
                track: [_kept(rows, thin(rows[:, 0], rows[:, 1:], tolerance)) for rows in parts]
                for track, parts in stretches.items()
            }
            tolerance *= 2
    return [
        {
            "id": person.track_id,
            "color": css_color(person.track_id),
            "ink": css_ink(person.track_id),
            "parts": [_delta(rows, first_frame) for rows in stretches[person.track_id]],
        }
        for person in people
    ]


def thin(at: NDArray[np.float64], values: NDArray[np.float64], tolerance: float) -> NDArray[np.int64]:
    """Rows to keep so that straight lines between them stay within `tolerance` of all rows (Douglas and Peucker).

    >>> thin(np.arange(4.0), np.array([[0.0], [1.0], [2.0], [9.0]]), 0.5).tolist()
    [0, 2, 3]
    """
    keep = np.zeros(len(at), bool)
    keep[[0, -1]] = True
    todo = [(0, len(at) - 1)]
    while todo:
        first, last = todo.pop()
        if last - first < 2:
            continue
        part = (at[first + 1 : last] - at[first]) / (at[last] - at[first])
        line = values[first] + part[:, None] * (values[last] - values[first])
        error = np.abs(values[first + 1 : last] - line).max(1)
        worst = int(error.argmax())
        if error[worst] > tolerance:
            middle = first + 1 + worst
            keep[middle] = True
            todo += [(first, middle), (middle, last)]
    return np.flatnonzero(keep)


def _stretches(person: Person, widest: int) -> list[NDArray[np.float64]]:
    """Rows of frame, x1, y1, x2, y2, split where more than `widest` frames lie between two boxes."""
    rows = np.concatenate([person.frames[:, None].astype(float), person.boxes.astype(float)], 1)
    return np.split(rows, np.flatnonzero(np.diff(person.frames) > widest) + 1)


def _every(count: int, step: int) -> NDArray[np.int64]:
    return np.unique(np.append(np.arange(0, count, step), count - 1))


def _kept(rows: NDArray[np.float64], which: NDArray[np.int64]) -> NDArray[np.float64]:
    return rows[which]


def _delta(rows: NDArray[np.float64], first_frame: int) -> list[int]:
    whole = np.rint(rows).astype(np.int64)
    whole[:, 0] -= first_frame
    whole[1:] = np.diff(whole, axis=0)
    flat: list[int] = whole.ravel().tolist()
    return flat
