"""One video as the tracking metrics see it: ids and similarities per frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from onlooker.errors import RecordError
from onlooker.records.boxes import iou, to_xyxy
from onlooker.records.formats.mot import MotRows

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
EPS = float(np.finfo(float).eps)

PEDESTRIAN = 1
# what a tracker may follow without gain or loss: person on vehicle, static person, distractor, reflection
# (MOT20 adds non-motorised vehicle)
DISTRACTORS = {"MOT15": (), "MOT16": (2, 7, 8, 12), "MOT17": (2, 7, 8, 12), "MOT20": (2, 6, 7, 8, 12)}


@dataclass(frozen=True)
class TrackingSequence:
    """Per frame: `gt_ids` (n_t,) and `pred_ids` (m_t,), counted from 0 and unique in a frame; `similarity` (n_t, m_t).

    `gt_count` and `pred_count` are how many ids there are. Frames without any box are frames too.
    """

    gt_ids: tuple[Ints, ...]
    pred_ids: tuple[Ints, ...]
    similarity: tuple[Floats, ...]
    gt_count: int
    pred_count: int

    @property
    def frames(self) -> int:
        return len(self.gt_ids)

    @property
    def gt_boxes(self) -> int:
        return sum(len(ids) for ids in self.gt_ids)

    @property
    def pred_boxes(self) -> int:
        return sum(len(ids) for ids in self.pred_ids)

    def boxes_per_gt(self) -> Ints:
        """In how many frames each ground-truth id occurs."""
        return _counts(self.gt_ids, self.gt_count)

    def boxes_per_pred(self) -> Ints:
        """In how many frames each predicted id occurs."""
        return _counts(self.pred_ids, self.pred_count)


def _counts(ids: Sequence[Ints], count: int) -> Ints:
    joined = np.concatenate([np.zeros(0, np.int64), *ids])
    return np.bincount(joined, minlength=count).astype(np.int64)


@dataclass(frozen=True)
class Boxes:
    """Boxes of a whole video in rows: `frames` (n,), `ids` (n,), continuous `xyxy` (n, 4)."""

    frames: Ints
    ids: Ints
    xyxy: Floats

    @classmethod
    def from_mot(cls, rows: MotRows) -> Boxes:
        return cls(rows.frames - 1, rows.ids, to_xyxy(rows.boxes, "mot"))

    @classmethod
    def from_table(cls, table: pa.Table) -> Boxes:
        """Rows of a `tracks` table of one video."""
        xyxy = np.stack([table.column(name).to_numpy() for name in ("x1", "y1", "x2", "y2")], axis=1)
        return cls(table.column("frame").to_numpy(), table.column("track_id").to_numpy(), xyxy.astype(np.float64))

    def keep(self, mask: NDArray[np.bool_]) -> Boxes:
        return Boxes(self.frames[mask], self.ids[mask], self.xyxy[mask])


def make_sequence(gt: Boxes, pred: Boxes, frames: int | None = None) -> TrackingSequence:
    """Similarities (IoU) of every frame. `frames` is the video's length; by default it ends with the last box.

    Errors: RecordError for an id twice in a frame, or a box beyond the last frame.
    """
    last = max((int(part.frames.max()) + 1 for part in (gt, pred) if len(part.frames)), default=0)
    count = last if frames is None else frames
    if last > count:
        raise RecordError(
            f"a box lies in frame {last} (counted from 1) of a video of {count}: check the frame numbers."
        )
    gt_ids, gt_boxes, gt_count = _per_frame(gt, count, "ground truth")
    pred_ids, pred_boxes, pred_count = _per_frame(pred, count, "prediction")
    similarity = tuple(iou(a, b) for a, b in zip(gt_boxes, pred_boxes, strict=True))
    return TrackingSequence(gt_ids, pred_ids, similarity, gt_count, pred_count)


def _per_frame(boxes: Boxes, frames: int, what: str) -> tuple[tuple[Ints, ...], tuple[Floats, ...], int]:
    names, ids = np.unique(boxes.ids, return_inverse=True)
    order = np.argsort(boxes.frames, kind="stable")
    sorted_frames = boxes.frames[order]
    keys = sorted_frames * max(len(names), 1) + ids[order]
    unique, first = np.unique(keys, return_index=True)
    if len(unique) < len(keys):
        again = int(np.setdiff1d(np.arange(len(keys)), first)[0])
        name = boxes.ids[order[again]]
        raise RecordError(f"{what}: id {name} occurs twice in frame {sorted_frames[again] + 1} (counted from 1).")
    cuts = np.searchsorted(sorted_frames, np.arange(1, frames))
    parts = np.split(order, cuts) if frames else []
    return tuple(ids[part].astype(np.int64) for part in parts), tuple(boxes.xyxy[part] for part in parts), len(names)


def prepare_mot(gt: MotRows, pred: MotRows, benchmark: str | None, path: str | Path = "gt.txt") -> tuple[Boxes, Boxes]:
    """What a MOTChallenge benchmark leaves to score.

    MOT16, MOT17 and MOT20 delete predictions that match a distractor (IoU at least 0.5, assigned per frame against all
    boxes of the ground truth, ignored ones too) and keep pedestrians whose flag is not 0. MOT15 and None look at the
    flag alone. Errors: RecordError when a benchmark with classes gets ground truth without.
    """
    found = Boxes.from_mot(pred)
    if benchmark is None or not DISTRACTORS[benchmark]:
        return Boxes.from_mot(gt.keep(gt.confidence != 0)), found
    if (gt.classes < 0).any():
        line = gt.lines[gt.classes < 0][0]
        raise RecordError(
            f"{path}:{line}: {benchmark} needs the class in column 8: use benchmark=None for plain files."
        )
    keep = ~_on_distractors(Boxes.from_mot(gt), gt.classes, found, DISTRACTORS[benchmark])
    return Boxes.from_mot(gt.keep((gt.confidence != 0) & (gt.classes == PEDESTRIAN))), found.keep(keep)


def _on_distractors(gt: Boxes, classes: Ints, pred: Boxes, distractors: Sequence[int]) -> NDArray[np.bool_]:
    drop = np.zeros(len(pred.frames), bool)
    for frame in np.intersect1d(gt.frames, pred.frames):
        here, there = np.flatnonzero(gt.frames == frame), np.flatnonzero(pred.frames == frame)
        score = iou(gt.xyxy[here], pred.xyxy[there])
        score[score < 0.5 - EPS] = 0
        rows, columns = linear_sum_assignment(score, maximize=True)
        matched = score[rows, columns] > 0
        hit = np.isin(classes[here[rows[matched]]], distractors)
        drop[there[columns[matched][hit]]] = True
    return drop
