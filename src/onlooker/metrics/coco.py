"""COCO's AP and AR on boxes and masks: per class, class-agnostic, and the cross-category recall of open worlds."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from onlooker.errors import ConfigError, RecordError
from onlooker.metrics.average_precision import interpolated
from onlooker.metrics.masks import decode_mask, mask_intersection
from onlooker.records.boxes import intersection, to_xyxy
from onlooker.records.formats.coco import read_json

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Kind = Literal["bbox", "segm"]

THRESHOLDS = np.linspace(0.5, 0.95, 10)
BUDGETS = (1, 10, 100)
AREAS = {"all": (0.0, 1e10), "s": (0.0, 32.0**2), "m": (32.0**2, 96.0**2), "l": (96.0**2, 1e10)}


@dataclass(frozen=True)
class Image:
    """One image (of one class): overlaps of its detections, best score first, with its ground truth.

    `overlap` (d, g) is IoU, or the part of the detection that is covered where the ground truth is a crowd.
    """

    scores: Floats
    areas: Floats
    overlap: Floats
    gt_areas: Floats
    crowd: Bools
    ignored: Bools


@dataclass(frozen=True)
class Matches:
    """Who found what at each threshold: `hit` and `ignored` (thresholds, detections)."""

    scores: Floats
    hit: Bools
    ignored: Bools
    positives: int


def match(image: Image, area: tuple[float, float] = AREAS["all"], thresholds: Floats = THRESHOLDS) -> Matches:
    """As `match_areas`, for one area range."""
    return match_areas(image, [area], thresholds)[0]


def match_areas(image: Image, areas: Sequence[tuple[float, float]], thresholds: Floats = THRESHOLDS) -> list[Matches]:
    """Greedy matching, best score first: each detection takes the free ground truth that it overlaps most.

    Ignored ground truth (crowds, or outside the area range) is taken only when nothing else is near enough; whoever
    takes it is ignored too, and so is an unmatched detection outside the range. Crowds are never used up.
    """
    low, high = np.array(areas, np.float64).T[:, :, None]
    unwanted = image.ignored | image.crowd | (image.gt_areas < low) | (image.gt_areas > high)
    outside = (image.areas < low) | (image.areas > high)
    count, (detections, truths) = len(thresholds), image.overlap.shape
    # every pair of area range and threshold is one row, all rows go through the detections together
    ignored_gt = np.repeat(unwanted, count, axis=0)
    enough = np.tile(np.minimum(thresholds, 1 - 1e-10), len(areas))[:, None]
    free = np.ones((len(areas) * count, truths), bool)
    hit = np.zeros((len(areas) * count, detections), bool)
    ignored = np.zeros_like(hit)
    lowest = min(float(enough.min()), 1.0)
    for d in np.flatnonzero(image.overlap.max(axis=1, initial=0.0) >= lowest):
        near = (image.overlap[d] >= enough) & (free | image.crowd)
        # 2 puts what counts before what is ignored; among equals the later one wins, as in the reference
        rank = np.where(near, image.overlap[d] + 2.0 * ~ignored_gt, -1.0)
        best = truths - 1 - rank[:, ::-1].argmax(axis=1)
        rows = np.flatnonzero(near.any(axis=1))
        free[rows, best[rows]] = False
        hit[rows, d] = True
        ignored[rows, d] = ignored_gt[rows, best[rows]]
    ignored |= ~hit & np.repeat(outside, count, axis=0)
    positives = (~unwanted).sum(axis=1)
    shape = (len(areas), count, detections)
    parts = zip(hit.reshape(shape), ignored.reshape(shape), positives.tolist(), strict=True)
    return [Matches(image.scores, h, i, p) for h, i, p in parts]


def accumulate(matches: Sequence[Matches], budget: int) -> tuple[Floats, Floats] | None:
    """AP and highest recall at each threshold over images with at most `budget` detections each; None without truth."""
    positives = sum(m.positives for m in matches)
    if positives == 0:
        return None
    scores = np.concatenate([m.scores[:budget] for m in matches])
    order = np.argsort(-scores, kind="stable")
    hit = np.concatenate([m.hit[:, :budget] for m in matches], axis=1)[:, order]
    ignored = np.concatenate([m.ignored[:, :budget] for m in matches], axis=1)[:, order]
    true, false = np.cumsum(hit & ~ignored, axis=1), np.cumsum(~hit & ~ignored, axis=1)
    recall = true / positives
    precision = true / np.maximum(true + false, np.spacing(1))
    ap = np.array([interpolated(p, r).mean() for p, r in zip(precision, recall, strict=True)])
    return ap, (recall[:, -1] if recall.shape[1] else np.zeros(len(recall)))


class CocoData:
    """Ground truth and results of COCO files, by image and category. Errors: RecordError naming file and place."""

    def __init__(self, gt: str | Path, results: str | Path, kind: Kind = "bbox") -> None:
        self.kind = kind
        data, found = read_json(gt), read_json(results)
        try:
            self.categories = sorted(item["id"] for item in data["categories"])
            self._sizes = {item["id"]: (item.get("height"), item.get("width")) for item in data["images"]}
            self._truth = _by_place(data["annotations"], kind)
            self._found = _by_place(found, kind)
        except (KeyError, TypeError) as error:
            raise RecordError(f"{Path(gt).name} or {Path(results).name}: not COCO data, {error} is missing.") from error
        unknown = {image for image, _ in self._found} - set(self._sizes)
        if unknown:
            raise RecordError(f"{Path(results).name}: results for unknown images {sorted(unknown)[:5]}.")

    def images(self, categories: Sequence[int], largest: int, seen: Collection[int] = ()) -> list[Image]:
        """Every image that shows or claims these categories, pooled, at most `largest` detections each.

        The truth of `seen` categories is ignored.
        """
        made = (self._image(key, categories, largest, seen) for key in sorted(self._sizes))
        return [image for image in made if image is not None]

    def _image(self, key: int, categories: Sequence[int], largest: int, seen: Collection[int]) -> Image | None:
        truth = [item for category in categories for item in self._truth.get((key, category), [])]
        found = [item for category in categories for item in self._found.get((key, category), [])]
        if not truth and not found:
            return None
        order = np.argsort([-item["score"] for item in found], kind="stable")[:largest]
        found = [found[i] for i in order]
        crowd = np.array([bool(item.get("iscrowd", 0)) for item in truth], bool)
        common, found_areas, truth_areas = self._common(found, truth, self._sizes[key])
        whole = np.where(crowd, found_areas[:, None], found_areas[:, None] + truth_areas - common)
        return Image(
            scores=np.array([item["score"] for item in found], np.float64),
            areas=_result_areas(found, found_areas),
            overlap=np.divide(common, whole, out=np.zeros_like(common), where=whole > 0),
            gt_areas=np.array([item["area"] for item in truth], np.float64),
            crowd=crowd,
            ignored=np.array([bool(item.get("ignore")) or item["category_id"] in seen for item in truth], bool),
        )

    def _common(self, found: list[Any], truth: list[Any], size: tuple[int, int]) -> tuple[Floats, Floats, Floats]:
        """Intersections (d, g) and the areas of both."""
        if self.kind == "bbox":
            a = to_xyxy([item["bbox"] for item in found], "xywh")
            b = to_xyxy([item["bbox"] for item in truth], "xywh")
            return intersection(a, b), (a[:, 2:] - a[:, :2]).prod(axis=1), (b[:, 2:] - b[:, :2]).prod(axis=1)
        left = [decode_mask(item["segmentation"], size) for item in found]
        right = [decode_mask(item["segmentation"], size) for item in truth]
        sizes = [np.array([mask.sum() for mask in masks], np.float64) for masks in (left, right)]
        return mask_intersection(left, right), sizes[0], sizes[1]


def _result_areas(found: Sequence[Any], measured: Floats) -> Floats:
    """The areas that decide the size class: of the box, where a result has one, even when masks are compared."""
    boxes = [item.get("bbox") for item in found]
    return np.array([b[2] * b[3] if b else area for b, area in zip(boxes, measured, strict=True)], np.float64)


def _by_place(items: Sequence[Any], kind: Kind) -> dict[tuple[int, int], list[Any]]:
    places: dict[tuple[int, int], list[Any]] = {}
    for item in items:
        item["bbox" if kind == "bbox" else "segmentation"]
        places.setdefault((item["image_id"], item["category_id"]), []).append(item)
    return places


def evaluate_coco(
    gt: str | Path, results: str | Path, *, kind: Kind = "bbox", class_agnostic: bool = False
) -> dict[str, float]:
    """The twelve numbers of COCO: AP, AP50, AP75, APs, APm, APl, AR@1, AR@10, AR@100, ARs, ARm, ARl.

    `class_agnostic` pools all categories of an image. A number without ground truth is -1, as COCO prints it.
    """
    data = CocoData(gt, results, kind)
    pools = [data.categories] if class_agnostic else [[category] for category in data.categories]
    images = [data.images(pool, max(BUDGETS)) for pool in pools]
    matched = [[match_areas(image, list(AREAS.values())) for image in pool] for pool in images]
    by_area = {name: [[areas[i] for areas in pool] for pool in matched] for i, name in enumerate(AREAS)}
    ap = {name: _mean_ap(pools_, max(BUDGETS)) for name, pools_ in by_area.items()}
    numbers = {"AP": _mean(ap["all"]), "AP50": _mean(ap["all"][:, :1]), "AP75": _mean(ap["all"][:, 5:6])}
    numbers |= {f"AP{name}": _mean(ap[name]) for name in ("s", "m", "l")}
    numbers |= {f"AR@{k}": _mean(_recalls(by_area["all"], k)) for k in BUDGETS}
    return numbers | {f"AR{name}": _mean(_recalls(by_area[name], max(BUDGETS))) for name in ("s", "m", "l")}


def _mean_ap(pools: Sequence[Sequence[Matches]], budget: int) -> Floats:
    found = [result[0] for pool in pools if (result := accumulate(pool, budget)) is not None]
    return np.array(found).reshape(-1, len(THRESHOLDS))


def _recalls(pools: Sequence[Sequence[Matches]], budget: int) -> Floats:
    found = [result[1] for pool in pools if (result := accumulate(pool, budget)) is not None]
    return np.array(found).reshape(-1, len(THRESHOLDS))


def _mean(values: Floats) -> float:
    return float(values.mean()) if values.size else -1.0


def recall_by_budget(gt: str | Path, results: str | Path, budgets: Sequence[int], *, kind: Kind = "bbox") -> Floats:
    """Class-agnostic recall (thresholds, budgets) for any list of budgets; NaN without ground truth."""
    data = CocoData(gt, results, kind)
    matches = [match(image) for image in data.images(data.categories, max(budgets))]
    return _recall_table(matches, budgets)


def cross_category_recall(
    gt: str | Path, results: str | Path, evaluated: Collection[int], budgets: Sequence[int], *, kind: Kind = "bbox"
) -> Floats:
    """Recall (thresholds, budgets) of categories that training did not see, the others' objects being ignored.

    Detections that find an object of a seen category at the first threshold are taken out before the budget is
    counted, but after the cut to the largest budget.
    """
    data = CocoData(gt, results, kind)
    unknown = set(evaluated) - set(data.categories)
    if unknown:
        raise ConfigError(f"categories {sorted(unknown)} do not occur in {Path(gt).name}.")
    seen = set(data.categories) - set(evaluated)
    matches = []
    for image in data.images(data.categories, max(budgets), seen):
        m = match(image)
        keep = ~(m.hit[0] & m.ignored[0])
        matches.append(Matches(m.scores[keep], m.hit[:, keep], m.ignored[:, keep], m.positives))
    return _recall_table(matches, budgets)


def _recall_table(matches: Sequence[Matches], budgets: Sequence[int]) -> Floats:
    columns = [accumulate(matches, budget) for budget in budgets]
    nothing = np.full(len(THRESHOLDS), np.nan)
    return np.stack([nothing if column is None else column[1] for column in columns], axis=1)
