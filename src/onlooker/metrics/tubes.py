"""Actions and objects through time: video-mAP of box tubes, AP of mask tracks, and linking tubelets to tubes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onlooker.metrics.average_precision import voc_ap
from onlooker.metrics.coco import Image, accumulate, match
from onlooker.metrics.masks import Mask

Floats = NDArray[np.float64]

THRESHOLDS = (0.2, 0.5, 0.75)
COCO_THRESHOLDS = np.linspace(0.5, 0.95, 10)


@dataclass(frozen=True)
class Tube:
    """A box per frame: `frames` (n,) sorted and unique, `boxes` (n, 4) xyxy, of one label in one video."""

    video: str
    label: str
    frames: NDArray[np.int64]
    boxes: Floats
    score: float = 1.0


def tube_iou(a: Tube, b: Tube) -> float:
    """Temporal IoU of the frames times the mean box IoU over the common frames."""
    common, in_a, in_b = np.intersect1d(a.frames, b.frames, assume_unique=True, return_indices=True)
    if not len(common):
        return 0.0
    union = len(a.frames) + len(b.frames) - len(common)
    return len(common) / union * float(_paired_iou(a.boxes[in_a], b.boxes[in_b]).mean())


def _paired_iou(a: Floats, b: Floats) -> Floats:
    extent = np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2])
    common = np.clip(extent, 0, None).prod(axis=1)
    areas = [np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(axis=1) for boxes in (a, b)]
    union = areas[0] + areas[1] - common
    return np.asarray(np.divide(common, union, out=np.zeros_like(common), where=union > 0))


def video_ap(
    gt: Sequence[Tube], pred: Sequence[Tube], labels: Collection[str], threshold: float = 0.5
) -> dict[str, float]:
    """AP of each label at one overlap; NaN for a label without truth.

    By decreasing score, a tube takes the free tube of its video and label that it overlaps most.
    """
    return {label: _video_ap(gt, pred, label, threshold) for label in labels}


def _video_ap(gt: Sequence[Tube], pred: Sequence[Tube], label: str, threshold: float) -> float:
    truth = [tube for tube in gt if tube.label == label]
    found = sorted((tube for tube in pred if tube.label == label), key=lambda tube: -tube.score)
    free = [True] * len(truth)
    hits = []
    for tube in found:
        candidates = [i for i, t in enumerate(truth) if free[i] and t.video == tube.video]
        overlaps = [tube_iou(tube, truth[i]) for i in candidates]
        best = int(np.argmax(overlaps)) if overlaps else -1
        hits.append(best >= 0 and overlaps[best] >= threshold)
        if hits[-1]:
            free[candidates[best]] = False
    return voc_ap([tube.score for tube in found], hits, len(truth))


def video_map(gt: Sequence[Tube], pred: Sequence[Tube], labels: Collection[str]) -> dict[str, float]:
    """`mAP@0.2`, `mAP@0.5`, `mAP@0.75` and `mAP@0.5:0.95` over the labels that have ground truth."""
    result = {f"mAP@{t:g}": _mean(video_ap(gt, pred, labels, t)) for t in THRESHOLDS}
    fine = [_mean(video_ap(gt, pred, labels, t)) for t in COCO_THRESHOLDS]
    return result | {"mAP@0.5:0.95": float(np.mean(fine))}


def _mean(per_label: Mapping[str, float]) -> float:
    known = [value for value in per_label.values() if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")


@dataclass(frozen=True)
class Tubelet:
    """A short tube as a detector gives it: K boxes (k, 4) xyxy from frame `start` on, with a score."""

    start: int
    boxes: Floats
    score: float

    @property
    def end(self) -> int:
        return self.start + len(self.boxes)


@dataclass(frozen=True)
class LinkOptions:
    """Numbers of the linking scheme of ACT (Kalogeiton et al., ICCV 2017)."""

    nms: float = 0.3
    keep: int = 10
    overlap: float = 0.2
    shortest: int = 15
    lowest: float = 0.005


def link_tubelets(
    tubelets: Sequence[Tubelet], video: str, label: str, options: LinkOptions | None = None
) -> list[Tube]:
    """Tubes of one label from tubelets that begin at every frame.

    Per start frame the best after suppression are kept; the link with the highest mean score first takes the best free
    tubelet that overlaps it; K - 1 frames without one end a link. A tube's score is the mean of its tubelets', its box
    in a frame the mean of the boxes that cover it.
    """
    options = options or LinkOptions()
    alive: list[list[Tubelet]] = []
    ended: list[list[Tubelet]] = []
    for start in sorted({tubelet.start for tubelet in tubelets}):
        free = _suppress([t for t in tubelets if t.start == start], options)
        waiting: list[list[Tubelet]] = []
        for link in sorted(alive, key=_mean_score, reverse=True):
            taken = next((t for t in free if _overlap(link[-1], t) >= options.overlap), None)
            if taken is not None:
                link.append(taken)
                free.remove(taken)
            patience = len(link[-1].boxes) - 1
            (waiting if start - link[-1].start < max(patience, 1) else ended).append(link)
        alive = waiting + [[tubelet] for tubelet in free]
    tubes = [_join(link, video, label) for link in ended + alive]
    return [tube for tube in tubes if len(tube.frames) >= options.shortest and tube.score >= options.lowest]


def _suppress(tubelets: Sequence[Tubelet], options: LinkOptions) -> list[Tubelet]:
    kept: list[Tubelet] = []
    for tubelet in sorted(tubelets, key=lambda t: -t.score):
        if all(_overlap(other, tubelet) <= options.nms for other in kept):
            kept.append(tubelet)
    return kept[: options.keep]


def _overlap(a: Tubelet, b: Tubelet) -> float:
    """Mean box IoU over the frames that both cover; 0 when there is none."""
    first, last = max(a.start, b.start), min(a.end, b.end)
    if last <= first:
        return 0.0
    return float(
        _paired_iou(a.boxes[first - a.start : last - a.start], b.boxes[first - b.start : last - b.start]).mean()
    )


def _mean_score(link: Sequence[Tubelet]) -> float:
    return float(np.mean([tubelet.score for tubelet in link]))


def _join(link: Sequence[Tubelet], video: str, label: str) -> Tube:
    first, last = link[0].start, max(tubelet.end for tubelet in link)
    total, count = np.zeros((last - first, 4)), np.zeros((last - first, 1))
    for tubelet in link:
        total[tubelet.start - first : tubelet.end - first] += tubelet.boxes
        count[tubelet.start - first : tubelet.end - first] += 1
    covered = np.flatnonzero(count[:, 0])
    return Tube(video, label, covered + first, total[covered] / count[covered], _mean_score(link))


@dataclass(frozen=True)
class MaskTrack:
    """An object through a video: a mask per frame, None where it is not seen. `crowd` tracks are not scored."""

    masks: tuple[Mask | None, ...]
    score: float = 1.0
    crowd: bool = False


def track_iou(a: MaskTrack, b: MaskTrack) -> float:
    """Common pixels of all frames over united pixels of all frames."""
    common = union = 0
    for left, right in zip(a.masks, b.masks, strict=True):
        both = int((left & right).sum()) if left is not None and right is not None else 0
        common += both
        union += sum(int(mask.sum()) for mask in (left, right) if mask is not None) - both
    return common / union if union else 0.0


@dataclass(frozen=True)
class VideoTracks:
    """One video of one class: spatio-temporal IoU (d, g) of predictions, best score first, with the truth."""

    scores: Floats
    overlap: Floats
    crowd: NDArray[np.bool_]

    @classmethod
    def compare(cls, gt: Sequence[MaskTrack], pred: Sequence[MaskTrack]) -> VideoTracks:
        ranked = sorted(pred, key=lambda track: -track.score)
        overlap = np.array([[track_iou(p, g) for g in gt] for p in ranked], np.float64).reshape(len(ranked), len(gt))
        return cls(np.array([p.score for p in ranked]), overlap, np.array([g.crowd for g in gt], bool))


def track_ap(videos: Sequence[VideoTracks], budget: int, thresholds: Floats = COCO_THRESHOLDS) -> tuple[Floats, Floats]:
    """AP and AR (thresholds,) of mask tracks with at most `budget` predictions a video (YouTube-VIS, UVO).

    A crowd is not counted, and a prediction that only a crowd matches is dropped. -1 where there is no truth.
    """
    matches = []
    for video in videos:
        detections, truths = video.overlap.shape
        detections = min(detections, budget)
        nothing = np.zeros(truths)
        image = Image(
            scores=video.scores[:detections],
            areas=np.zeros(detections),
            overlap=video.overlap[:detections],
            gt_areas=nothing,
            crowd=nothing.astype(bool),  # a crowd track is used up like any other, it is only not scored
            ignored=video.crowd,
        )
        matches.append(match(image, thresholds=thresholds))
    result = accumulate(matches, budget)
    return result if result is not None else (np.full(len(thresholds), -1.0), np.full(len(thresholds), -1.0))
