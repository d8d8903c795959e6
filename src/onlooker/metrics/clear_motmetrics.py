"""CLEAR MOT as py-motmetrics counts it, which papers until about 2021 report.

Other than in `clear`: a ground-truth id keeps its last partner however long ago that was, matches minimise distance
(1 - IoU), MOTP is a distance (lower is better), and MT begins at 0.8 inclusive. The two differ on the same files.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from onlooker.metrics.clear import identity
from onlooker.metrics.sequences import TrackingSequence

Result = dict[str, float]
Floats = NDArray[np.float64]

_COUNTS = (
    "num_unique_objects",
    "mostly_tracked",
    "partially_tracked",
    "mostly_lost",
    "num_false_positives",
    "num_misses",
    "num_switches",
    "num_fragmentations",
    "num_transfer",
    "num_ascend",
    "num_migrate",
    "num_matches",
    "distance",
    "idtp",
    "idfn",
    "idfp",
)


class _Memory:
    """Who was matched to whom last, in both directions."""

    def __init__(self) -> None:
        self.partner: dict[int, int] = {}
        self.owner: dict[int, int] = {}

    def keep(
        self, gt_ids: NDArray[np.int64], pred_ids: NDArray[np.int64], allowed: NDArray[np.bool_]
    ) -> dict[int, int]:
        """Rows whose last partner is here, free and near enough, each with that partner's column."""
        columns = {int(number): column for column, number in enumerate(pred_ids)}
        kept: dict[int, int] = {}
        for row, number in enumerate(gt_ids):
            column = columns.get(self.partner.get(int(number), -1))
            if column is not None and allowed[row, column] and column not in kept.values():
                kept[row] = column
        return kept

    def judge(self, gt: int, pred: int) -> list[str]:
        """What a new pair means: nothing, a switch, a transfer of the prediction, and their special cases."""
        switched = gt in self.partner and self.partner[gt] != pred
        transferred = pred in self.owner and self.owner[pred] != gt
        return [
            *(["num_switches"] if switched else []),
            *(["num_ascend"] if switched and pred not in self.owner else []),
            *(["num_transfer"] if transferred else []),
            *(["num_migrate"] if transferred and gt not in self.partner else []),
        ]


def clear_motmetrics(sequence: TrackingSequence, threshold: float = 0.5) -> Result:
    """mota, motp, num_switches and the other names of py-motmetrics; `threshold` is the smallest IoU of a match."""
    memory = _Memory()
    total = dict.fromkeys(_COUNTS, 0.0)
    history: list[list[bool]] = [[] for _ in range(sequence.gt_count)]
    for gt_ids, pred_ids, similarity in zip(sequence.gt_ids, sequence.pred_ids, sequence.similarity, strict=True):
        distance = 1.0 - similarity
        pairs = _match_frame(memory, gt_ids, pred_ids, distance, 1.0 - threshold, total)
        for row, column in pairs.items():
            memory.partner[int(gt_ids[row])] = int(pred_ids[column])
            memory.owner[int(pred_ids[column])] = int(gt_ids[row])
            total["distance"] += float(distance[row, column])
        for row, number in enumerate(gt_ids):
            history[number].append(row in pairs)
        total["num_matches"] += len(pairs)
        total["num_misses"] += len(gt_ids) - len(pairs)
        total["num_false_positives"] += len(pred_ids) - len(pairs)
    _summarise_tracks(history, total)
    ids = identity(sequence, threshold)
    total |= {"idtp": ids["IDTP"], "idfn": ids["IDFN"], "idfp": ids["IDFP"]}
    return _ratios(total)


def _match_frame(
    memory: _Memory,
    gt_ids: NDArray[np.int64],
    pred_ids: NDArray[np.int64],
    distance: Floats,
    limit: float,
    total: Result,
) -> dict[int, int]:
    allowed = distance <= limit
    pairs = memory.keep(gt_ids, pred_ids, allowed)
    rows = np.array([row for row in range(len(gt_ids)) if row not in pairs], np.int64)
    columns = np.array([column for column in range(len(pred_ids)) if column not in pairs.values()], np.int64)
    rest = distance[np.ix_(rows, columns)]
    # forbidden pairs cost more than all others together, so that as many pairs as possible are found
    cost = np.where(allowed[np.ix_(rows, columns)], rest, 2.0 * (min(rest.shape, default=0) + 1))
    for i, j in zip(*linear_sum_assignment(cost), strict=True):
        row, column = int(rows[i]), int(columns[j])
        if allowed[row, column]:
            for what in memory.judge(int(gt_ids[row]), int(pred_ids[column])):
                total[what] += 1
            pairs[row] = column
    return pairs


def _summarise_tracks(history: Sequence[Sequence[bool]], total: Result) -> None:
    total["num_unique_objects"] = float(len(history))
    for seen in history:
        ratio = sum(seen) / len(seen)
        total["mostly_tracked" if ratio >= 0.8 else "partially_tracked" if ratio >= 0.2 else "mostly_lost"] += 1
        begun = sum(now and not before for before, now in zip([False, *seen], seen, strict=False))
        total["num_fragmentations"] += max(begun - 1, 0)


def combine_motmetrics(results: Sequence[Result]) -> Result:
    """Several videos as one: ratios of summed counts."""
    return _ratios({name: sum(result[name] for result in results) for name in _COUNTS})


def _ratios(c: Result) -> Result:
    matches, misses, false = c["num_matches"], c["num_misses"], c["num_false_positives"]
    objects = matches + misses
    return c | {
        "mota": 1.0 - _part(misses + c["num_switches"] + false, objects),
        "motp": _part(c["distance"], matches),
        "recall": _part(matches, objects),
        "precision": _part(matches, matches + false),
        "idf1": _part(2 * c["idtp"], 2 * c["idtp"] + c["idfp"] + c["idfn"]),
        "idp": _part(c["idtp"], c["idtp"] + c["idfp"]),
        "idr": _part(c["idtp"], c["idtp"] + c["idfn"]),
    }


def _part(numerator: float, denominator: float) -> float:
    """The ratio, NaN where there is nothing to count (as py-motmetrics says)."""
    return numerator / denominator if denominator else float("nan")
