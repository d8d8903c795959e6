"""Single-object tracking as OTB measures it (Wu et al., PAMI 2015): success and precision curves of one pass."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from onlooker.errors import RecordError
from onlooker.records.boxes import to_xyxy
from onlooker.records.formats.lines import is_number, read_text, refuse

Floats = NDArray[np.float64]

SUCCESS_THRESHOLDS = np.linspace(0.0, 1.0, 21)
PRECISION_THRESHOLDS = np.arange(51.0)


@dataclass(frozen=True)
class Curves:
    """`success` (21,) at overlaps 0 to 1, `precision` (51,) at 0 to 50 pixels; `ious` and `errors` per valid frame."""

    ious: Floats
    errors: Floats
    success: Floats
    precision: Floats

    @property
    def numbers(self) -> dict[str, float]:
        """AUC (mean of the success curve), success rate at overlap 0.5, precision at 20 pixels."""
        return {
            "success_auc": float(self.success.mean()),
            "precision_20px": float(self.precision[20]),
            "success_rate_50": float(self.success[10]),
        }


def one_pass(gt: ArrayLike, pred: ArrayLike) -> Curves:
    """Curves of one sequence from boxes (n, 4) x, y, width, height, frame by frame.

    Frames whose truth is not finite or has no size do not count. Overlap must exceed its threshold, the distance of
    centres may equal it. Errors: RecordError when the lengths differ or no frame is valid.
    """
    truth, found = np.asarray(gt, np.float64).reshape(-1, 4), np.asarray(pred, np.float64).reshape(-1, 4)
    if len(truth) != len(found):
        raise RecordError(f"{len(found)} predicted boxes for {len(truth)} frames of ground truth: give one per frame.")
    valid = np.isfinite(truth).all(axis=1) & (truth[:, 2:] > 0).all(axis=1)
    if not valid.any():
        raise RecordError("no frame has a valid ground-truth box.")
    ious, errors = paired_iou(truth[valid], found[valid]), center_errors(truth[valid], found[valid])
    success = (ious[:, None] > SUCCESS_THRESHOLDS).mean(axis=0)
    precision = (errors[:, None] <= PRECISION_THRESHOLDS).mean(axis=0)
    return Curves(ious, errors, success, precision)


def paired_iou(a: Floats, b: Floats) -> Floats:
    """Overlap (n,) of boxes x, y, width, height row by row; 0 where a prediction is not finite or has no size."""
    first, second = to_xyxy(a, "xywh"), to_xyxy(b, "xywh")
    extent = np.minimum(first[:, 2:], second[:, 2:]) - np.maximum(first[:, :2], second[:, :2])
    common = np.nan_to_num(np.clip(extent, 0, None).prod(axis=1))
    union = a[:, 2] * a[:, 3] + np.clip(b[:, 2:], 0, None).prod(axis=1) - common
    return np.asarray(np.divide(common, union, out=np.zeros_like(common), where=union > 0))


def center_errors(a: Floats, b: Floats) -> Floats:
    """Distance (n,) of centres in pixels; a centre is x + (width - 1) / 2."""
    offset = (a[:, :2] + (a[:, 2:] - 1) / 2) - (b[:, :2] + (b[:, 2:] - 1) / 2)
    return np.asarray(np.nan_to_num(np.sqrt((offset**2).sum(axis=1)), nan=np.inf))


def overall(sequences: Mapping[str, Curves]) -> dict[str, float]:
    """The numbers of a benchmark: means over sequences, whatever their length."""
    if not sequences:
        raise RecordError("no sequences to average.")
    numbers = [curves.numbers for curves in sequences.values()]
    return {name: float(np.mean([item[name] for item in numbers])) for name in numbers[0]}


def read_otb(path: str | Path) -> Floats:
    """Boxes (n, 4) of a `groundtruth_rect.txt` or result file: one x, y, width, height a line.

    Separated by commas, tabs or blanks; NaN is allowed for absent objects. Errors: RecordError with every faulty line.
    """
    rows, faults = [], []
    for number, line in enumerate(read_text(path).splitlines(), 1):
        words = re.split(r"[,\s]+", line.strip())
        if words == [""]:
            continue
        if len(words) != 4 or not all(map(is_number, words)):
            faults.append(f"{Path(path).name}:{number}: expected x, y, width, height")
        else:
            rows.append([float(word) for word in words])
    refuse(faults)
    return np.array(rows, np.float64).reshape(-1, 4)
