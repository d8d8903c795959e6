"""Multi-view testing of a classifier: each video once, scores averaged over views, sums that no order changes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from onlooker.data.source import ClipSource
from onlooker.methods.detection.small_people.accuracy import FrameScore, average_precision, precision, recall
from onlooker.methods.detection.small_people.source import PeopleSource
from onlooker.methods.recognition.prediction import multi_label
from onlooker.metrics.multi_label import mean_average_precision
from onlooker.training.batches import Batch, ViewClips, each, view_loader
from onlooker.training.processes import Processes
from onlooker.weights.inputs import InputSpec

TINY = 1e-12


@dataclass(frozen=True, slots=True)
class VideoScore:
    """One video: its number, its label and the averaged softmax scores of all classes."""

    index: int
    label: int
    scores: tuple[float, ...]

    @property
    def rank(self) -> int:
        """How many classes score higher than the right one; of equal scores the lower class counts as higher."""
        own = self.scores[self.label]
        return sum(score > own or (score == own and i < self.label) for i, score in enumerate(self.scores))


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Shares of right answers, all classes weighted equally in `mean_class`, and the mean negative log score."""

    top1: float
    top5: float
    mean_class: float
    loss: float
    videos: int

    @property
    def figure(self) -> tuple[str, float]:
        """The number by which runs are compared, with its name."""
        return "top 1", self.top1


@dataclass(frozen=True, slots=True)
class DetectionAccuracy(Accuracy):
    """`ap50`: average precision at IoU 0.5; `recall` and `precision` at score 0.5. For the parts of a run that know
    classes only, `top1` is `ap50`, `mean_class` the recall, `loss` what is missing of the average precision."""

    ap50: float
    recall: float
    precision: float
    people: int

    @property
    def figure(self) -> tuple[str, float]:
        """AP at IoU 0.5."""
        return "AP50", self.ap50


@dataclass(frozen=True, slots=True)
class LabelsScore:
    """One video that may have several labels: its number, whether each class holds, and the averaged scores."""

    index: int
    truth: tuple[bool, ...]
    scores: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class MultiLabelAccuracy(Accuracy):
    """`mean_ap` over classes. `top1` and `top5` are the shares of labelled videos with a right class among the best
    one or five, `mean_class` is `mean_ap`, `loss` the mean binary cross-entropy."""

    mean_ap: float

    @property
    def figure(self) -> tuple[str, float]:
        """mAP."""
        return "mAP", self.mean_ap


Row = VideoScore | FrameScore | LabelsScore


def score_videos(
    model: nn.Module, source: ClipSource, spec: InputSpec, processes: Processes, *, clips: int = 1, workers: int = 0
) -> list[Row]:
    """Scores of all videos in the order of the source, on every process. The model is left as it was.

    `spec.views` crops times `clips` moments per video; frames with boxes are looked at whole, by the model's `fused`
    copy. Raises MediaError for a file that cannot be read.
    """
    mine = range(processes.rank, len(source), processes.count)
    if isinstance(source, PeopleSource):
        detector = model.fused()  # type: ignore[operator]
        found = [source.score(detector, index) for index in mine]
        return sorted(processes.gather(found), key=lambda row: row.index)
    share = -(-len(source) // processes.count)
    # where a forward pass needs all processes, those with a video less repeat one
    padding = [len(source) - 1] * (share - len(mine)) if processes.lockstep else []
    loader = view_loader(ViewClips(source, spec, clips), [*mine, *padding], workers)
    was_training = model.training
    model.eval()
    rows: list[Row] = []
    try:
        with torch.no_grad(), processes.compute():
            for batch in each(loader):
                logits = model(batch["clips"].to(processes.device))
                rows.append(_row(batch, _scores(model, logits.double())))
    finally:
        model.train(was_training)
    return sorted(processes.gather(rows[: len(mine)]), key=lambda row: row.index)


def _scores(model: nn.Module, logits: Float[Tensor, "view classes"]) -> Float[Tensor, "view classes"]:
    """As `predict` makes them, but in float64."""
    return logits.sigmoid() if multi_label(model) else logits.softmax(dim=-1)


def _row(batch: Batch, views: Float[Tensor, "view classes"]) -> Row:
    index, labels, scores = int(batch["indices"]), batch["labels"], tuple(views.mean(dim=0).cpu().tolist())
    if isinstance(labels, Tensor) and labels.ndim:
        return LabelsScore(index, tuple(bool(one) for one in labels.tolist()), scores)
    return VideoScore(index, int(labels), scores)


def summarise(rows: Sequence[Row]) -> Accuracy:
    """The usual figures; exact sums, so the same whatever order or process the rows came from.

    >>> summarise([VideoScore(0, 0, (0.9, 0.1)), VideoScore(1, 1, (0.8, 0.2))]).top1
    0.5
    """
    frames = [row for row in rows if isinstance(row, FrameScore)]
    several = [row for row in rows if isinstance(row, LabelsScore)]
    if frames:
        return _summarise_frames(frames)
    return _summarise_labels(several) if several else _summarise_classes([r for r in rows if isinstance(r, VideoScore)])


def _summarise_labels(rows: Sequence[LabelsScore]) -> MultiLabelAccuracy:
    rows = sorted(rows, key=lambda row: row.index)
    scores, truth = np.array([row.scores for row in rows]), np.array([row.truth for row in rows])
    mean_ap = mean_average_precision(scores, truth)
    best, labelled = np.argsort(-scores, axis=1, kind="stable"), max(int(truth.any(axis=1).sum()), 1)
    held = np.take_along_axis(truth, best, axis=1)
    chance = np.where(truth, scores, 1 - scores)
    return MultiLabelAccuracy(
        top1=float(held[:, 0].sum()) / labelled,
        top5=float(held[:, :5].any(axis=1).sum()) / labelled,
        mean_class=mean_ap,
        loss=math.fsum(-math.log(max(one, TINY)) for one in chance.ravel().tolist()) / chance.size,
        videos=len(rows),
        mean_ap=mean_ap,
    )


def _summarise_frames(frames: Sequence[FrameScore]) -> DetectionAccuracy:
    ap50, (found, people) = average_precision(frames), recall(frames, 0.5)
    return DetectionAccuracy(
        top1=ap50,
        top5=ap50,
        mean_class=found,
        loss=1 - ap50,
        videos=len(frames),
        ap50=ap50,
        recall=found,
        precision=precision(frames, 0.5),
        people=people,
    )


def _summarise_classes(rows: Sequence[VideoScore]) -> Accuracy:
    ranks = [row.rank for row in rows]
    by_class: dict[int, list[int]] = {}
    for row, rank in zip(rows, ranks, strict=True):
        by_class.setdefault(row.label, []).append(rank == 0)
    count = max(len(rows), 1)
    return Accuracy(
        top1=sum(rank == 0 for rank in ranks) / count,
        top5=sum(rank < 5 for rank in ranks) / count,
        mean_class=math.fsum(sum(hits) / len(hits) for hits in by_class.values()) / max(len(by_class), 1),
        loss=math.fsum(-math.log(max(row.scores[row.label], TINY)) for row in rows) / count,
        videos=len(rows),
    )
