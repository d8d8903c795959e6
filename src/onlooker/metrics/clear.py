"""CLEAR MOT (Bernardin and Stiefelhagen, 2008) and identity scores (Ristani et al., 2016), TrackEval's conventions."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from onlooker.metrics.sequences import EPS, TrackingSequence

Result = dict[str, float]
Floats = NDArray[np.float64]

_COUNTS = ("CLR_TP", "CLR_FN", "CLR_FP", "IDSW", "MT", "PT", "ML", "Frag", "CLR_Frames", "MOTP_sum")
_NOBODY = -1


class _Bookkeeping:
    """What CLEAR remembers of every ground-truth id from one frame to the next."""

    def __init__(self, count: int) -> None:
        self.last = np.full(count, _NOBODY)  # whom it was matched to the last time
        self.previous = np.full(count, _NOBODY)  # whom it was matched to in the frame before, or nobody
        self.matched = np.zeros(count)
        self.begun = np.zeros(count)  # how often it went from untracked to tracked

    def record(self, gt: NDArray[np.int64], pred: NDArray[np.int64]) -> int:
        """Note the matches of a frame; returns the identity switches among them."""
        switches = int(((self.last[gt] != _NOBODY) & (self.last[gt] != pred)).sum())
        self.last[gt] = pred
        self.matched[gt] += 1
        self.begun[gt] += self.previous[gt] == _NOBODY
        self.previous[:] = _NOBODY
        self.previous[gt] = pred
        return switches


def clear(sequence: TrackingSequence, threshold: float = 0.5) -> Result:
    """MOTA, MOTP (mean similarity of matches: higher is better), IDSW, Frag, MT, PT, ML and the counts behind them.

    A match continues the one of the frame before where it may. A frame without ground truth or without predictions
    leaves the memory as it is. Tracked for more than 0.8 of its frames is MT, less than 0.2 is ML.
    """
    book = _Bookkeeping(sequence.gt_count)
    total = dict.fromkeys(_COUNTS, 0.0)
    for gt_ids, pred_ids, similarity in zip(sequence.gt_ids, sequence.pred_ids, sequence.similarity, strict=True):
        found = 0
        if len(gt_ids) and len(pred_ids):
            score = 1000.0 * (book.previous[gt_ids][:, None] == pred_ids[None]) + similarity
            score[similarity < threshold - EPS] = 0
            rows, columns = linear_sum_assignment(score, maximize=True)
            real = score[rows, columns] > EPS
            rows, columns = rows[real], columns[real]
            total["IDSW"] += book.record(gt_ids[rows], pred_ids[columns])
            total["MOTP_sum"] += float(similarity[rows, columns].sum())
            found = len(rows)
        total["CLR_TP"] += found
        total["CLR_FN"] += len(gt_ids) - found
        total["CLR_FP"] += len(pred_ids) - found
    present = sequence.boxes_per_gt()
    ratio = book.matched[present > 0] / present[present > 0]
    total["MT"] = float((ratio > 0.8).sum())
    total["PT"] = float((ratio >= 0.2).sum()) - total["MT"]
    total["ML"] = sequence.gt_count - total["MT"] - total["PT"]
    total["Frag"] = float((book.begun[book.begun > 0] - 1).sum())
    total["CLR_Frames"] = float(sequence.frames)
    return _clear_ratios(total)


def combine_clear(results: Sequence[Result]) -> Result:
    """Several videos as one: ratios of summed counts."""
    return _clear_ratios({name: float(sum(result[name] for result in results)) for name in _COUNTS})


def _clear_ratios(c: Result) -> Result:
    tp, fn, fp, switches = c["CLR_TP"], c["CLR_FN"], c["CLR_FP"], c["IDSW"]
    truth, ids = max(1.0, tp + fn), c["MT"] + c["PT"] + c["ML"]
    logged = math.log10(switches) if switches > 0 else 0.0
    return c | {
        "MOTA": (tp - fp - switches) / truth,
        "MOTP": c["MOTP_sum"] / max(1.0, tp),
        "MODA": (tp - fp) / truth,
        "MOTAL": (tp - fp - logged) / truth,
        "sMOTA": (c["MOTP_sum"] - fp - switches) / truth,
        "CLR_Re": tp / truth,
        "CLR_Pr": tp / max(1.0, tp + fp),
        "CLR_F1": tp / max(1.0, tp + 0.5 * fn + 0.5 * fp),
        "MTR": c["MT"] / max(1.0, ids),
        "PTR": c["PT"] / max(1.0, ids),
        "MLR": c["ML"] / ids if ids else 1.0,
        "FP_per_frame": fp / max(1.0, c["CLR_Frames"]),
    }


def identity(sequence: TrackingSequence, threshold: float = 0.5) -> Result:
    """IDF1, IDP and IDR with IDTP, IDFN, IDFP: one assignment of ids to ids for the whole video."""
    together = np.zeros((sequence.gt_count, sequence.pred_count))
    for gt_ids, pred_ids, similarity in zip(sequence.gt_ids, sequence.pred_ids, sequence.similarity, strict=True):
        together[np.ix_(gt_ids, pred_ids)] += similarity >= threshold - EPS
    # the fewest FN + FP is the most common frames: every common frame removes one of each
    rows, columns = linear_sum_assignment(together, maximize=True)
    tp = float(together[rows, columns].sum())
    return _identity_ratios({"IDTP": tp, "IDFN": sequence.gt_boxes - tp, "IDFP": sequence.pred_boxes - tp})


def combine_identity(results: Sequence[Result]) -> Result:
    """Several videos as one: ratios of summed counts."""
    return _identity_ratios({name: sum(result[name] for result in results) for name in ("IDTP", "IDFN", "IDFP")})


def _identity_ratios(c: Result) -> Result:
    tp, fn, fp = c["IDTP"], c["IDFN"], c["IDFP"]
    return c | {
        "IDR": tp / max(1.0, tp + fn),
        "IDP": tp / max(1.0, tp + fp),
        "IDF1": tp / max(1.0, tp + 0.5 * fp + 0.5 * fn),
    }
