"""HOTA: higher order tracking accuracy (Luiten et al., IJCV 2021, arXiv:2009.07736), with TrackEval's conventions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from onlooker.metrics.sequences import EPS, TrackingSequence

Floats = NDArray[np.float64]
Result = dict[str, Floats]

ALPHAS = np.arange(0.05, 0.99, 0.05)
_TINY = 1e-10


def hota(sequence: TrackingSequence) -> Result:
    """HOTA and its parts at the 19 localisation thresholds `ALPHAS`; every value is (19,).

    Names are TrackEval's: HOTA, DetA, AssA, DetRe, DetPr, AssRe, AssPr, LocA, OWTA, HOTA_TP, HOTA_FN, HOTA_FP.
    `summarise` gives the means that papers print.
    """
    gt, pred, similarity = _match(sequence)
    hits = similarity[None] >= ALPHAS[:, None] - EPS
    tp = hits.sum(axis=1).astype(float)
    result = {"HOTA_TP": tp, "HOTA_FN": sequence.gt_boxes - tp, "HOTA_FP": sequence.pred_boxes - tp}
    result |= _association(sequence, gt, pred, hits)
    result["LocA"] = np.maximum(_TINY, hits @ similarity) / np.maximum(_TINY, tp)
    return _finish(result)


def _match(sequence: TrackingSequence) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """One assignment per frame for all thresholds: matched gt ids, predicted ids and their similarity."""
    alignment = _alignment(sequence)
    parts: list[tuple[NDArray[np.int64], NDArray[np.int64], Floats]] = []
    for gt_ids, pred_ids, similarity in zip(sequence.gt_ids, sequence.pred_ids, sequence.similarity, strict=True):
        if len(gt_ids) and len(pred_ids):
            score = alignment[np.ix_(gt_ids, pred_ids)] * similarity
            rows, columns = linear_sum_assignment(score, maximize=True)
            parts.append((gt_ids[rows], pred_ids[columns], similarity[rows, columns]))
    if not parts:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
    gt, pred, found = zip(*parts, strict=True)
    return np.concatenate(gt), np.concatenate(pred), np.concatenate(found)


def _alignment(sequence: TrackingSequence) -> Floats:
    """How well each pair of ids goes together over the whole video: a soft Jaccard index (gt_count, pred_count)."""
    together = np.zeros((sequence.gt_count, sequence.pred_count))
    for gt_ids, pred_ids, s in zip(sequence.gt_ids, sequence.pred_ids, sequence.similarity, strict=True):
        union = s.sum(axis=0, keepdims=True) + s.sum(axis=1, keepdims=True) - s
        together[np.ix_(gt_ids, pred_ids)] += np.divide(s, union, out=np.zeros_like(s), where=union > EPS)
    either = sequence.boxes_per_gt()[:, None] + sequence.boxes_per_pred()[None] - together
    return np.asarray(together / either) if together.size else together


def _association(
    sequence: TrackingSequence, gt: NDArray[np.int64], pred: NDArray[np.int64], hits: NDArray[np.bool_]
) -> Result:
    """AssA, AssRe and AssPr: over the TP, how much of both tracks agrees with the pair (eq. 2 to 4)."""
    pairs, index = np.unique(gt * max(sequence.pred_count, 1) + pred, return_inverse=True)
    in_gt = sequence.boxes_per_gt()[pairs // max(sequence.pred_count, 1)] if len(pairs) else np.zeros(0)
    in_pred = sequence.boxes_per_pred()[pairs % max(sequence.pred_count, 1)] if len(pairs) else np.zeros(0)
    result = {name: np.zeros(len(ALPHAS)) for name in ("AssA", "AssRe", "AssPr")}
    for a, hit in enumerate(hits):
        matched = np.bincount(index[hit], minlength=len(pairs)).astype(float)
        total = max(1.0, hit.sum())
        result["AssA"][a] = (matched * matched / np.maximum(1, in_gt + in_pred - matched)).sum() / total
        result["AssRe"][a] = (matched * matched / np.maximum(1, in_gt)).sum() / total
        result["AssPr"][a] = (matched * matched / np.maximum(1, in_pred)).sum() / total
    return result


def combine_hota(results: Sequence[Result]) -> Result:
    """Several videos as one: counts are summed, association and localisation are means weighted by TP."""
    total: Result = {name: np.sum([r[name] for r in results], axis=0) for name in ("HOTA_TP", "HOTA_FN", "HOTA_FP")}
    tp = total["HOTA_TP"]
    for name in ("AssA", "AssRe", "AssPr"):
        total[name] = np.sum([r[name] * r["HOTA_TP"] for r in results], axis=0) / np.maximum(_TINY, tp)
    located = np.sum([r["LocA"] * r["HOTA_TP"] for r in results], axis=0)
    total["LocA"] = np.maximum(_TINY, located) / np.maximum(_TINY, tp)
    return _finish(total)


def _finish(result: Result) -> Result:
    tp, fn, fp = result["HOTA_TP"], result["HOTA_FN"], result["HOTA_FP"]
    result["DetRe"] = tp / np.maximum(1, tp + fn)
    result["DetPr"] = tp / np.maximum(1, tp + fp)
    result["DetA"] = tp / np.maximum(1, tp + fn + fp)
    result["HOTA"] = np.sqrt(result["DetA"] * result["AssA"])
    result["OWTA"] = np.sqrt(result["DetRe"] * result["AssA"])
    return result


def summarise(result: Result) -> dict[str, float]:
    """Means over the thresholds, and HOTA(0), LocA(0), HOTALocA(0) at the lowest."""
    summary = {name: float(values.mean()) for name, values in result.items()}
    summary["HOTA(0)"] = float(result["HOTA"][0])
    summary["LocA(0)"] = float(result["LocA"][0])
    summary["HOTALocA(0)"] = summary["HOTA(0)"] * summary["LocA(0)"]
    return summary
