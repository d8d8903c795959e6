"""Action detection on keyframes: AVA's frame-mAP and the same AP on any frames."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from onlooker.errors import RecordError
from onlooker.metrics.average_precision import voc_ap
from onlooker.records.boxes import iou
from onlooker.records.formats.lines import is_number, read_text, refuse

MAX_BOXES = 10_000


@dataclass(frozen=True)
class LabelledBoxes:
    """Rows: `images` (n,) any hashable key as text, `labels` (n,), `boxes` (n, 4) xyxy in one unit, `scores` (n,)."""

    images: NDArray[np.str_]
    labels: NDArray[np.int64]
    boxes: NDArray[np.float64]
    scores: NDArray[np.float64]

    def keep(self, mask: NDArray[np.bool_]) -> LabelledBoxes:
        return LabelledBoxes(self.images[mask], self.labels[mask], self.boxes[mask], self.scores[mask])

    @classmethod
    def from_table(cls, table: pa.Table, numbers: Mapping[str, int]) -> LabelledBoxes:
        """Rows of an `actions` or `detections` table, an image being one frame of one video; `numbers` are labels."""
        videos, frames = table.column("video").to_pylist(), table.column("frame").to_pylist()
        images = [f"{video},{frame}" for video, frame in zip(videos, frames, strict=True)]
        boxes = np.stack([table.column(name).to_numpy() for name in ("x1", "y1", "x2", "y2")], axis=1)
        labels = [numbers[label] for label in table.column("label").to_pylist()]
        scores = np.nan_to_num(table.column("score").to_numpy(zero_copy_only=False).astype(np.float64), nan=1.0)
        return cls(np.array(images, str), np.array(labels, np.int64), boxes.astype(np.float64), scores)


def frame_ap(
    gt: LabelledBoxes, pred: LabelledBoxes, labels: Collection[int], threshold: float = 0.5
) -> dict[int, float]:
    """AP of each label; NaN for a label without ground truth.

    In an image the predictions of a label come by score, and each claims the box it overlaps most: a hit when that
    overlap reaches the threshold and nobody claimed the box before; there is no second choice. Images with predictions
    and no ground truth count against precision.
    """
    # numbers for names once: comparing text again for every label would take most of the time
    _, codes = np.unique(np.concatenate([gt.images, pred.images]), return_inverse=True)
    gt_codes, pred_codes = codes[: len(gt.images)], codes[len(gt.images) :]
    found: dict[int, float] = {}
    for label in labels:
        in_gt, in_pred = gt.labels == label, pred.labels == label
        truth, claims = _groups(gt_codes[in_gt]), _groups(pred_codes[in_pred])
        hits = _hits(gt.keep(in_gt), pred.keep(in_pred), truth, claims, threshold)
        found[label] = voc_ap(*hits, int(in_gt.sum()))
    return found


Groups = dict[int, NDArray[np.int64]]


def _hits(
    gt: LabelledBoxes, pred: LabelledBoxes, by_image: Groups, claims: Groups, threshold: float
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    scores: list[NDArray[np.float64]] = [np.zeros(0)]
    hits: list[NDArray[np.bool_]] = [np.zeros(0, bool)]
    for image, rows in claims.items():
        rows = rows[np.argsort(-pred.scores[rows], kind="stable")][:MAX_BOXES]
        hit = np.zeros(len(rows), bool)
        truth = by_image.get(image)
        if truth is not None:
            overlap = iou(pred.boxes[rows], gt.boxes[truth])
            best = overlap.argmax(axis=1)
            enough = np.flatnonzero(overlap[np.arange(len(rows)), best] >= threshold)
            # the first to claim a box gets it
            hit[enough[np.unique(best[enough], return_index=True)[1]]] = True
        scores.append(pred.scores[rows])
        hits.append(hit)
    return np.concatenate(scores), np.concatenate(hits)


def _groups(images: NDArray[np.int64]) -> Groups:
    """The rows of each image, in their order."""
    order = np.argsort(images, kind="stable")
    names, first = np.unique(images[order], return_index=True)
    return dict(zip(names.tolist(), np.split(order, first[1:]), strict=True)) if len(names) else {}


def evaluate_ava(
    gt: str | Path,
    pred: str | Path,
    categories: Mapping[int, str],
    excluded: str | Path | None = None,
    threshold: float = 0.5,
) -> dict[str, float]:
    """AVA frame-mAP from csv files: `mAP` and the AP of each category by name.

    `categories` are the evaluated actions (60 of 80 in AVA), others are dropped on both sides; `excluded` lists
    timestamps to leave out. Errors: RecordError with every faulty line.
    """
    left_out = _read_excluded(excluded) if excluded is not None else set()
    truth = _evaluated(read_ava_rows(gt, scored=False), categories, left_out)
    claims = _evaluated(read_ava_rows(pred, scored=True), categories, left_out)
    per_label = frame_ap(truth, claims, sorted(categories), threshold)
    known = [value for value in per_label.values() if not np.isnan(value)]
    mean = float(np.mean(known)) if known else float("nan")
    return {"mAP": mean, **{categories[label]: value for label, value in per_label.items()}}


def _evaluated(rows: LabelledBoxes, categories: Mapping[int, str], left_out: set[str]) -> LabelledBoxes:
    return rows.keep(np.isin(rows.labels, list(categories)) & ~np.isin(rows.images, list(left_out)))


def read_ava_rows(path: str | Path, *, scored: bool) -> LabelledBoxes:
    """An AVA csv as it is written: relative boxes, images named "video,0902"; people without an action are skipped."""
    name = Path(path).name
    rows: list[list[str]] = []
    faults: list[str] = []
    for number, line in enumerate(read_text(path).splitlines(), 1):
        words = [word.strip() for word in line.split(",")]
        if not line.strip() or (len(words) >= 7 and not words[6]):
            continue
        wrong = next((word for word in words[1:8] if not is_number(word) and word), None)
        if len(words) < (8 if scored else 7) or not all(words[:7]):
            faults.append(f"{name}:{number}: {len(words)} columns, expected video, time, box, action, score or person")
        elif wrong is not None:
            faults.append(f"{name}:{number}: {wrong!r} is not a number")
        else:
            rows.append(words)
    refuse(faults)
    return LabelledBoxes(
        np.array([_image(row) for row in rows], str),
        np.array([int(float(row[6])) for row in rows], np.int64),
        np.array([row[2:6] for row in rows], np.float64).reshape(-1, 4),
        np.array([float(row[7]) if scored else 1.0 for row in rows], np.float64),
    )


def _image(words: list[str]) -> str:
    return f"{words[0]},{int(float(words[1])):04d}"


def _read_excluded(path: str | Path) -> set[str]:
    lines = [(n, line.split(",")) for n, line in enumerate(read_text(path).splitlines(), 1) if line.strip()]
    bad = next((n for n, words in lines if len(words) != 2 or not is_number(words[1])), None)
    if bad is not None:
        raise RecordError(f"{Path(path).name}:{bad}: expected a video and a timestamp.")
    return {_image(words) for _, words in lines}
