"""How well events match the truth: precision, recall, latency, roles, counts, and miss against false-alarm curves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from onlooker.errors import ConfigError
from onlooker.events.event import Event
from onlooker.records.timeline import intervals_iou

Match = tuple[int, int]  # indices of a prediction and of the truth it stands for
NEVER = 1e9


@dataclass(frozen=True, slots=True)
class Scores:
    """`precision`, `recall` and `f1` are NaN where nothing could be right; latencies are seconds from the true start to
    the confirmation; `roles_right` is the share of matched events whose participants are all right."""

    matches: tuple[Match, ...]
    precision: float
    recall: float
    f1: float
    false_alarms_per_hour: float
    median_latency: float
    p95_latency: float
    roles_right: float


def latest(events: Sequence[Event]) -> list[Event]:
    """The last version of each event that still stands, by start: what the log says in the end."""
    newest: dict[str, Event] = {}
    for event in events:
        if event.event_id not in newest or event.version > newest[event.event_id].version:
            newest[event.event_id] = event
    return sorted((e for e in newest.values() if e.state != "retracted"), key=lambda e: (e.start, e.event_id))


def match_events(
    predicted: Sequence[Event],
    truth: Sequence[Event],
    *,
    within: float = 1.0,
    by: Literal["start", "interval"] = "start",
    same_roles: bool = False,
) -> list[Match]:
    """The best one-to-one matching within each type: as many pairs as can be, then the smallest differences.

    By "start": starts at most `within` seconds apart. By "interval": temporal overlap (IoU) of at least 0.5.
    """
    if by not in ("start", "interval"):
        raise ConfigError(f"events match by start or interval, not by {by!r}.")
    pairs: list[Match] = []
    for kind in sorted({event.type for event in truth}):
        rows = [i for i, event in enumerate(predicted) if event.type == kind]
        columns = [j for j, event in enumerate(truth) if event.type == kind]
        cost = _costs([predicted[i] for i in rows], [truth[j] for j in columns], within, by)
        for i, row in enumerate(rows):
            for j, column in enumerate(columns):
                if same_roles and _roles(predicted[row]) != _roles(truth[column]):
                    cost[i, j] = NEVER
        for i, j in zip(*linear_sum_assignment(cost), strict=True):
            if cost[i, j] < NEVER:
                pairs.append((rows[i], columns[j]))
    return sorted(pairs)


def score_events(
    predicted: Sequence[Event], truth: Sequence[Event], seconds: float, *, within: float = 1.0,
    by: Literal["start", "interval"] = "start", same_roles: bool = False,
) -> Scores:  # fmt: skip
    """All figures for one set of events from `seconds` of video."""
    pairs = match_events(predicted, truth, within=within, by=by, same_roles=same_roles)
    right, false = len(pairs), len(predicted) - len(pairs)
    late = np.array([predicted[i].confirm - truth[j].start for i, j in pairs])
    roles = np.array([_roles(predicted[i]) == _roles(truth[j]) for i, j in pairs])
    return Scores(
        matches=tuple(pairs),
        precision=right / len(predicted) if predicted else float("nan"),
        recall=right / len(truth) if truth else float("nan"),
        f1=2 * right / (len(predicted) + len(truth)) if predicted or truth else float("nan"),
        false_alarms_per_hour=3600 * false / seconds,
        median_latency=float(np.median(late)) if right else float("nan"),
        p95_latency=float(np.percentile(late, 95)) if right else float("nan"),
        roles_right=float(roles.mean()) if right else float("nan"),
    )


def count_errors(predicted: Sequence[Event], truth: Sequence[Event]) -> dict[tuple[str, str | None], int]:
    """Predicted minus true number of crossings per (line, direction)."""

    def crossings(events: Sequence[Event]) -> Counter[tuple[str, str | None]]:
        return Counter((e.rule, e.direction) for e in events if e.type == "line_cross")

    ours, theirs = crossings(predicted), crossings(truth)
    return {key: ours[key] - theirs[key] for key in sorted({*ours, *theirs}, key=str)}


def miss_curve(
    predicted: Sequence[Event], truth: Sequence[Event], seconds: float, *, within: float = 1.0,
    by: Literal["start", "interval"] = "start",
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:  # fmt: skip
    """False alarms per minute and probability of a miss at every confidence threshold, from strict to lenient.

    The first point is that of a threshold above all confidences: no alarm, everything missed.
    """
    if not truth:
        raise ConfigError("a miss rate needs at least one true event.")
    thresholds = sorted({event.confidence for event in predicted}, reverse=True)
    rates, misses = [0.0], [1.0]
    for threshold in thresholds:
        kept = [event for event in predicted if event.confidence >= threshold]
        right = len(match_events(kept, truth, within=within, by=by))
        rates.append(60 * (len(kept) - right) / seconds)
        misses.append(1 - right / len(truth))
    return np.array(rates), np.array(misses)


def partial_area(rates: NDArray[np.float64], misses: NDArray[np.float64], limit: float = 0.2) -> float:
    """Normalised area under the miss curve (a step function) up to `limit` false alarms per minute; 0 is perfect."""
    area, lowest, at = 0.0, 1.0, 0.0
    for rate, miss in zip(rates.tolist(), misses.tolist(), strict=True):
        if rate > limit:
            break
        area += lowest * (rate - at)
        lowest, at = min(lowest, miss), rate
    return (area + lowest * (limit - at)) / limit


def fit_threshold(
    detect: Callable[[float], Sequence[Event]], values: Sequence[float], truth: Sequence[Event], seconds: float,
    *, most_false_alarms_per_hour: float, within: float = 1.0,
) -> tuple[float, Scores]:  # fmt: skip
    """The value of one threshold with the best F1 among those that keep the false alarms within bounds.

    `detect` gives the events for a value. Errors: ConfigError when no value keeps the bound.
    """
    tried = [(value, score_events(detect(value), truth, seconds, within=within)) for value in values]
    fit = [item for item in tried if item[1].false_alarms_per_hour <= most_false_alarms_per_hour]
    if not fit:
        lowest = min((score.false_alarms_per_hour for _, score in tried), default=float("nan"))
        raise ConfigError(
            f"no value keeps false alarms at {most_false_alarms_per_hour:g} an hour (the least is {lowest:g}): "
            "try other values or a higher bound."
        )
    return max(fit, key=lambda item: np.nan_to_num(item[1].f1))


def _costs(predicted: list[Event], truth: list[Event], within: float, by: str) -> NDArray[np.float64]:
    if by == "start":
        gaps = np.abs(np.subtract.outer([e.start for e in predicted], [e.start for e in truth]))
        return np.where(gaps <= within, gaps, NEVER).reshape(len(predicted), len(truth))
    spans = [[(e.start, e.start if e.end is None else e.end) for e in events] for events in (predicted, truth)]
    overlap = intervals_iou(spans[0], spans[1])
    return np.where(overlap >= 0.5, 1 - overlap, NEVER).reshape(len(predicted), len(truth))


def _roles(event: Event) -> set[tuple[str, int]]:
    return {(role.role, role.track_id) for role in event.participants}
