"""From the cues' raw answers to candidate people, and from a candidate's cues to one calibrated score."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from onlooker.methods.detection.embedded_people.boxes import area, intersection, iou
from onlooker.methods.detection.embedded_people.cascades import Parts
from onlooker.methods.detection.embedded_people.hog import Hits

Array = NDArray[np.float64]

FEATURES = (
    "bias",
    "hog",
    "no_hog",
    "support",
    "face",
    "shoulders",
    "inside",
    "contrast",
    "unsure",
    "misfit",
    "cut_off",
    "part",
    "net",
    "no_net",
)

# Fitted by calibrate.py; see README.md. The classic ones belong to a detector without the network.
CLASSIC = np.array([-6.70, 1.17, 0.73, 2.14, 4.52, 0.0, 4.60, 4.09, 2.62, 0.31, -0.21, -1.67, 0.0, 0.0])
WEIGHTS = np.array([-5.77, 0.30, 0.03, 0.83, 0.80, 0.33, 2.45, 2.46, 1.54, -1.62, 0.92, -0.02, 4.22, 0.65])
WAIST = 0.75  # of the visible body that a face asks for: who is shorter lacks the legs


@dataclass(frozen=True)
class Candidates:
    """Possible people: `boxes` (n, 4), best SVM `margins` (NaN without), `support` windows, part weights (0: none),
    `net` the network's score (0: none)."""

    boxes: Array
    margins: Array
    support: Array
    faces: Array
    shoulders: Array
    net: Array


@dataclass(frozen=True)
class Scene:
    """What is known beside the candidate: foreground `mask` at `scale` of the picture and its `trust`.

    `moving` (n, 4): moving areas shaped like one upright person. `expected(bottoms)` gives the usual height of people
    whose feet are there, NaN where nothing is known.
    """

    mask: NDArray[np.uint8]
    scale: float
    trust: float
    moving: Array
    width: float
    height: float
    slope: float
    offset: float

    def expected(self, bottoms: Array) -> Array:
        """Usual height of people with feet at these rows."""
        return np.asarray(self.slope * bottoms + self.offset)


def cluster(hits: Hits, overlap: float = 0.4) -> tuple[Array, Array, Array]:
    """Windows around the same person merged: boxes (mean weighted by margin), best margins, number of windows."""
    order = np.lexsort((*hits.boxes.T, -hits.margins))
    boxes, margins = hits.boxes[order], hits.margins[order]
    overlaps = np.maximum(iou(boxes, boxes), _nested(boxes))
    free = np.ones(len(boxes), bool)
    merged, best, support = [], [], []
    for index in range(len(boxes)):
        if not free[index]:
            continue
        group = free & (overlaps[index] > overlap)
        free &= ~group
        weights = np.maximum(margins[group] - margins[index] + 1.0, 0.02)
        merged.append(np.average(boxes[group], axis=0, weights=weights))
        best.append(margins[index])
        support.append(int(group.sum()))
    return np.array(merged).reshape(-1, 4), np.array(best), np.array(support, float)


def _nested(boxes: Array) -> Array:
    """High where one box lies almost whole in another that is less than twice as tall."""
    inter = intersection(boxes, boxes)
    areas = area(boxes)
    inside = inter / np.maximum(np.minimum(areas[:, None], areas[None]), 1e-9)
    tall = boxes[:, 3] - boxes[:, 1]
    similar = np.maximum(tall[:, None], tall[None]) / np.maximum(np.minimum(tall[:, None], tall[None]), 1e-9) < 2.0
    return np.asarray(np.where(similar, inside - 0.35, 0.0))


def gather(
    hits: Hits,
    faces: Parts,
    face_bodies: Array,
    shoulders: Parts,
    shoulder_bodies: Array,
    moving: Array,
    net_boxes: Array,
    net_scores: Array,
) -> Candidates:
    """Candidates from every cue; a part that sits where its owner's head must be strengthens that owner instead."""
    boxes, margins, support = cluster(hits)
    none = np.zeros(len(boxes))
    found = _join_network(Candidates(boxes, margins, support, none, none, none), net_boxes, net_scores)
    for parts, bodies, kind in ((faces, face_bodies, "faces"), (shoulders, shoulder_bodies, "shoulders")):
        for part, body, weight in zip(parts.boxes, bodies, parts.weights, strict=True):
            found = _attach(found, part, body, float(weight), kind)
    for box in moving:
        if (iou(box[None], found.boxes) < 0.4).all():
            found = _append(found, box)
    return found


def _join_network(found: Candidates, boxes: Array, scores: Array, overlap: float = 0.45) -> Candidates:
    """The network's boxes, best first, each joined to the windows that it overlaps most, or a candidate of its own.

    A joined box lies between the two, the nearer to the network's the surer that is.
    """
    taken = np.zeros(len(found.boxes), bool)
    joined, net = found.boxes.copy(), found.net.copy()
    alone: list[int] = []
    for row, same in enumerate(iou(boxes, found.boxes)):
        free = np.where(taken, 0.0, same)
        column = int(free.argmax()) if len(free) else -1
        if column < 0 or free[column] < overlap:
            alone.append(row)
            continue
        taken[column], net[column] = True, scores[row]
        joined[column] = scores[row] * boxes[row] + (1 - scores[row]) * found.boxes[column]
    found = Candidates(joined, found.margins, found.support, found.faces, found.shoulders, net)
    for row in alone:
        found = _append(found, boxes[row], float(scores[row]))
    return found


def fit_to_motion(found: Candidates, moving: Array) -> Candidates:
    """Candidates half drawn to the moving area that they overlap best: its outline is the exacter one."""
    if not len(moving) or not len(found.boxes):
        return found
    same = iou(found.boxes, moving)
    best = same.argmax(1)
    # the network's boxes know a shadow from a person, the outline does not
    share = np.where(same.max(1) > 0.45, 0.5 * (1 - found.net), 0.0)[:, None]
    drawn = (1 - share) * found.boxes + share * moving[best]
    return Candidates(drawn, found.margins, found.support, found.faces, found.shoulders, found.net)


def _attach(found: Candidates, part: Array, body: Array, weight: float, kind: str) -> Candidates:
    x, y = (part[0] + part[2]) / 2, (part[1] + part[3]) / 2
    size = found.boxes[:, 2:] - found.boxes[:, :2]
    across = np.abs(x - (found.boxes[:, 0] + found.boxes[:, 2]) / 2) / np.maximum(size[:, 0], 1e-9)
    down = (y - found.boxes[:, 1]) / np.maximum(size[:, 1], 1e-9)
    share = (part[2] - part[0]) / np.maximum(size[:, 0], 1e-9)
    limits = (0.15, 0.75) if kind == "faces" else (0.7, 2.2)
    owner = (across < 0.35) & (down > -0.05) & (down < 0.35) & (share > limits[0]) & (share < limits[1])
    if not owner.any():
        found = _append(found, body)
        owner = np.arange(len(found.boxes)) == len(found.boxes) - 1
    index = int(np.flatnonzero(owner)[0])
    strengths = getattr(found, kind).copy()
    strengths[index] = max(strengths[index], weight)
    faces, shoulders = (strengths, found.shoulders) if kind == "faces" else (found.faces, strengths)
    boxes = found.boxes.copy()
    if kind == "faces":
        boxes[index] = _whole_body(boxes[index], body)
    return Candidates(boxes, found.margins, found.support, faces, shoulders, found.net)


def _whole_body(box: Array, body: Array) -> Array:
    """The box; one that ends at the waist of the body that its face asks for is drawn down to where that body ends."""
    if box[3] - box[1] >= WAIST * (body[3] - body[1]):
        return box
    return np.array([(box[0] + body[0]) / 2, box[1], (box[2] + body[2]) / 2, body[3]])


def _append(found: Candidates, box: Array, net: float = 0.0) -> Candidates:
    return Candidates(
        np.concatenate([found.boxes, box[None]]),
        np.append(found.margins, np.nan),
        np.append(found.support, 0.0),
        np.append(found.faces, 0.0),
        np.append(found.shoulders, 0.0),
        np.append(found.net, net),
    )


def describe(found: Candidates, scene: Scene) -> Array:
    """The features of every candidate, `(n, len(FEATURES))`."""
    boxes = found.boxes
    tall = boxes[:, 3] - boxes[:, 1]
    seen = ~np.isnan(found.margins)
    inside, around = _motion(boxes, scene)
    part = _part(boxes, scene.moving)
    # heads and limbs look like small people to the network; what moves there is their owner
    owned = scene.trust * np.where(found.net > 0, np.minimum(2 * np.exp(-part), 1), 1)
    expected = scene.expected(boxes[:, 3])
    misfit = np.abs(np.log(np.maximum(tall, 1) / np.maximum(np.where(np.isnan(expected), tall, expected), 1)))
    cut_off = (boxes[:, 3] > scene.height - 2) | (boxes[:, 1] < 2)
    columns = [
        np.ones(len(boxes)),
        np.where(seen, np.nan_to_num(found.margins).clip(-0.5, 2.5), 0.0),
        (~seen).astype(float),
        np.log1p(found.support).clip(0, 3),
        (found.faces / 4).clip(0, 2),
        ((found.shoulders + 1) / 2 * (found.shoulders != 0)).clip(0, 2),
        owned * inside,
        owned * (inside - around),
        np.full(len(boxes), 1 - scene.trust),
        misfit.clip(0, 1.5),
        cut_off.astype(float),
        part,
        _evidence(found.net),
        (found.net == 0).astype(float),
    ]
    return np.stack(columns, 1)


def _evidence(scores: Array) -> Array:
    """The network's score as odds, from 0 at a score of 0.1 (and without one) to 3."""
    held = scores.clip(0.1, 0.98)
    return np.asarray(((np.log(held / (1 - held)) + 2.2) / 2).clip(0, 3))


def impossible(boxes: Array, scene: Scene, factor: float = 2.5) -> NDArray[np.bool_]:
    """Boxes inside the picture far taller or shorter (`factor`) than people are there; with a fixed camera only."""
    tall = np.maximum(boxes[:, 3] - boxes[:, 1], 1)
    usual = scene.expected(boxes[:, 3])
    whole = (boxes[:, 3] <= scene.height - 2) & (boxes[:, 1] >= 2)
    # Where nothing is known `usual` is NaN and no comparison holds; far away the line may even fall below zero.
    odd = (tall > factor * np.maximum(usual, 1)) | (tall * factor < usual)
    return np.asarray(whole & odd & (usual > 8) & (scene.trust > 0.5))


def _part(boxes: Array, moving: Array) -> Array:
    """How much larger (log of areas) the moving silhouette is that a box lies in: high for a limb or a piece of it."""
    if not len(moving):
        return np.zeros(len(boxes))
    inside = intersection(boxes, moving) / np.maximum(area(boxes), 1e-9)[:, None] > 0.6
    larger = np.log(np.maximum(area(moving)[None] / np.maximum(area(boxes), 1e-9)[:, None], 1))
    return np.asarray(np.where(inside, larger, 0).max(1).clip(0, 3))


def _motion(boxes: Array, scene: Scene) -> tuple[Array, Array]:
    """Share of moving pixels in the body (its inner part) and in the strips left and right of it."""
    table = cv2.integral(scene.mask)
    width, tall = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    body = boxes + np.stack([0.15 * width, 0.05 * tall, -0.15 * width, -0.05 * tall], 1)
    wide = boxes + np.stack([-0.5 * width, 0 * tall, 0.5 * width, 0 * tall], 1)
    total, total_area = _sums(table, wide * scene.scale)
    core, core_area = _sums(table, boxes * scene.scale)
    moving, moving_area = _sums(table, body * scene.scale)
    return moving / moving_area, (total - core) / np.maximum(total_area - core_area, 1)


def _sums(table: NDArray[np.int32], boxes: Array) -> tuple[Array, Array]:
    rows, columns = table.shape[0] - 1, table.shape[1] - 1
    x1, x2 = (np.rint(boxes[:, i]).astype(int).clip(0, columns) for i in (0, 2))
    y1, y2 = (np.rint(boxes[:, i]).astype(int).clip(0, rows) for i in (1, 3))
    sums = table[y2, x2] - table[y1, x2] - table[y2, x1] + table[y1, x1]
    return sums.astype(float), np.maximum((x2 - x1) * (y2 - y1), 1).astype(float)


def suppress(boxes: Array, scores: Array, overlap: float = 0.5) -> NDArray[np.int64]:
    """Indices of the boxes that stay, best score first, after non-maximum suppression.

    A box goes when it overlaps a better one, lies in a better one, or holds two better ones.
    """
    order = np.lexsort((*boxes.T, -scores))
    same = np.maximum(iou(boxes, boxes), _nested(boxes))
    inside = intersection(boxes, boxes) / np.maximum(area(boxes), 1e-9)[:, None]
    kept: list[int] = []
    for index in order:
        doubled = (same[index, kept] > overlap).any() or (inside[index, kept] > 0.8).any()
        if not doubled and (inside[kept, index] > 0.8).sum() < 2:
            kept.append(int(index))
    return np.array(kept, np.int64)
