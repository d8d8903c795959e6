"""Event matching and the figures that follow from it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from onlooker.errors import ConfigError
from onlooker.events.evaluate import (
    count_errors,
    fit_threshold,
    latest,
    match_events,
    miss_curve,
    partial_area,
    score_events,
)
from onlooker.events.event import Event, EventLog, Role


def event(kind: str, start: float, *, end: float | None = None, confidence: float = 1.0, who: int = 1, rule: str = "r",
          direction: str | None = None, version: int = 1, state: str = "closed") -> Event:  # fmt: skip
    return Event(
        f"{kind}{start}{rule}", kind, rule, state, start, start + 0.4, start if end is None else end,
        (Role("subject", who),), confidence, "s", 0, version, direction=direction,
    )  # fmt: skip


def test_matching_takes_as_many_pairs_as_can_be() -> None:
    # greedy nearest-first would take (1.9, 2.0) and leave 1.1 with nobody
    predicted = [event("take", 1.9), event("take", 2.9)]
    truth = [event("take", 1.1), event("take", 2.0)]
    assert match_events(predicted, truth) == [(0, 0), (1, 1)]
    assert match_events(predicted, truth, within=0.5) == [(0, 1)]


def test_types_and_roles_must_agree() -> None:
    assert match_events([event("put", 1.0)], [event("take", 1.0)]) == []
    assert match_events([event("take", 1.0, who=2)], [event("take", 1.0)]) == [(0, 0)]
    assert match_events([event("take", 1.0, who=2)], [event("take", 1.0)], same_roles=True) == []


def test_intervals_match_by_overlap() -> None:
    truth = [event("dwell", 0.0, end=10.0)]
    assert match_events([event("dwell", 4.0, end=10.0)], truth, by="interval") == [(0, 0)]
    assert match_events([event("dwell", 6.0, end=10.0)], truth, by="interval") == []
    with pytest.raises(ConfigError, match="start or interval"):
        match_events(truth, truth, by="colour")  # type: ignore[arg-type]


def test_scores() -> None:
    truth = [event("take", 1.0), event("take", 5.0, who=3), event("put", 9.0)]
    predicted = [event("take", 1.2), event("take", 5.1), event("take", 7.0), event("put", 30.0)]
    scores = score_events(predicted, truth, seconds=1800)
    assert scores.matches == ((0, 0), (1, 1))
    assert (scores.precision, scores.recall, scores.f1) == (0.5, pytest.approx(2 / 3), pytest.approx(4 / 7))
    assert scores.false_alarms_per_hour == 4
    assert scores.median_latency == pytest.approx(0.55)
    assert scores.roles_right == 0.5
    nothing = score_events([], truth, seconds=60)
    assert (nothing.recall, nothing.f1) == (0.0, 0.0)
    assert math.isnan(nothing.precision)


def test_only_the_last_standing_version_counts() -> None:
    events = [
        event("take", 1.0, state="opened"),
        event("take", 1.0, version=2),
        event("put", 2.0),
        event("put", 2.0, version=2, state="retracted"),
    ]
    assert [(e.type, e.version) for e in latest(events)] == [("take", 2)]


def test_count_errors_per_line_and_direction() -> None:
    truth = [event("line_cross", 1, rule="door", direction="in"), event("line_cross", 2, rule="door", direction="out")]
    predicted = [
        event("line_cross", 1, rule="door", direction="in"),
        event("line_cross", 3, rule="door", direction="in"),
    ]
    assert count_errors(predicted, truth) == {("door", "in"): 1, ("door", "out"): -1}


def test_miss_curve_and_its_area() -> None:
    truth = [event("take", 1.0), event("take", 5.0)]
    predicted = [
        event("take", 1.0, confidence=0.9),
        event("take", 9.0, confidence=0.7),
        event("take", 5.0, confidence=0.5),
    ]
    rates, misses = miss_curve(predicted, truth, seconds=600)
    np.testing.assert_allclose(rates, [0, 0, 0.1, 0.1])
    np.testing.assert_allclose(misses, [1, 0.5, 0.5, 0])
    assert partial_area(rates, misses, limit=0.2) == pytest.approx((0.5 * 0.1 + 0 * 0.1) / 0.2)
    assert partial_area(*miss_curve(truth, truth, 600)) == 0
    with pytest.raises(ConfigError, match="at least one true event"):
        miss_curve([], [], 60)


def test_a_threshold_is_fitted_within_the_bound_on_false_alarms() -> None:
    truth = [event("take", 1.0), event("take", 5.0)]
    everything = [
        event("take", 1.0, confidence=0.9),
        event("take", 5.0, confidence=0.6),
        event("take", 9.0, confidence=0.4),
    ]

    def detect(least: float) -> list[Event]:
        return [e for e in everything if e.confidence >= least]

    value, scores = fit_threshold(detect, [0.3, 0.5, 0.8], truth, 3600, most_false_alarms_per_hour=0.5)
    assert (value, scores.f1) == (0.5, 1.0)
    with pytest.raises(ConfigError, match="the least is 1"):
        fit_threshold(detect, [0.3], truth, 3600, most_false_alarms_per_hour=0.5)


def test_the_log_reports_nothing_too_uncertain_and_takes_back_only_what_was_said() -> None:
    log = EventLog("s", report_min=0.2)
    faint = log.say("take", "r", 0, (Role("subject", 1),), 1.0, 1.2, 0.1, open=True)
    log.close(faint, 2.0, 2.0)
    log.retract(faint, 2.0, "merge")
    assert log.take() == []
    unsure = log.say("take", "r", 0, (Role("subject", 1),), 1.0, 1.2, 0.3)
    log.retract(unsure, 3.0, "merge")
    log.retract(unsure, 3.0, "merge")
    said = log.take()
    assert [(e.state, e.version, e.review) for e in said] == [("closed", 1, True), ("retracted", 2, True)]
