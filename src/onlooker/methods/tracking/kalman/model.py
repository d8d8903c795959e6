"""Config and tracker: one step from detections to linked boxes with ids, in seconds of media time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onlooker.errors import ConfigError
from onlooker.methods.tracking import relink
from onlooker.methods.tracking.kalman import camera, motion
from onlooker.methods.tracking.kalman.association import FORBIDDEN, assign, hidden, overlap, rest
from onlooker.records.frames import Detections, FrameTracks

State = dict[str, Any]
Array = NDArray[np.float64]
Index = NDArray[np.int64]

GATE = 11.8  # 0.3 % of the chi-square distribution with two degrees of freedom
STRANGER = 0.2  # looks this far apart count as wholly different
VETO = 0.75  # the share of that from which looks forbid a match
COVER = 0.7  # unless the boxes overlap by so much
NO_LOOKS = np.zeros((0, relink.SIZE), np.float32)


@dataclass(frozen=True)
class Config:
    """Times are seconds of media, distances body heights.

    `high`: detections from here on take part in the first round and may start tracks from `birth` on; the weaker ones,
    down to `low`, only prolong tracks. A track gets its id after `confirm` seconds with `hits` detections and a mean
    score of `sure`; one that has not moved by `stir` needs `sure_still` then, or `sure_later` after `later`.
    Unconfirmed tracks end after `doubt` seconds without a detection, confirmed ones after `lost`; up to `bridge` their
    boxes are still given out, marked as not observed. `look`: while somebody may have returned, an id waits up to so
    many seconds for a look at the whole width of the person. `doubled`: a younger track that covers an older one for
    so long ends. `people`: at most so many tracks at once.
    """

    high: float = 0.5
    low: float = 0.1
    birth: float = 0.5
    confirm: float = 0.4
    hits: int = 3
    sure: float = 0.5
    sure_still: float = 0.9
    sure_later: float = 0.75
    later: float = 1.0
    stir: float = 0.4
    doubt: float = 0.35
    lost: float = 2.5
    bridge: float = 2.0
    still_seconds: float = 1.0
    look: float = 2.5
    doubled: float = 0.6
    camera_side: int = 240
    people: int = 256


VARIANTS = {"default": Config()}


class KalmanTracker:
    """Online tracker for people; ids start at 1 and are never used twice within a state's life.

    >>> from onlooker.records.frames import Detections
    >>> tracker = KalmanTracker()
    >>> state = tracker.init_state(320, 240)
    >>> for frame in range(12):
    ...     box = np.array([[20 + 2 * frame, 50, 60 + 2 * frame, 150]], np.float32)
    ...     seen = Detections(box, np.array([0.9], np.float32), ("person",))
    ...     tracks, state = tracker.step(None, frame / 10, seen, state)
    >>> tracks.ids.tolist()
    [1]
    """

    def __init__(self, variant: str = "default") -> None:
        if variant not in VARIANTS:
            raise ConfigError(f"kalman has no variant '{variant}': choose from {', '.join(VARIANTS)}.")
        self.config = VARIANTS[variant]
        self.relinking = relink.VARIANTS[variant]
        self.source = f"kalman/{variant}@none"

    def init_state(self, width: int, height: int) -> State:
        """The state before the first frame; `width` and `height` are displayed pixels."""
        return {
            "size": [width, height],
            "time": None,
            "next": 1,
            "grey": np.zeros((0, 0), np.uint8),
            "tracks": _no_tracks(),
            "gallery": relink.empty_gallery(),
        }

    def cut(self, state: State) -> State:
        """At a shot boundary or a break in time: everybody goes into the gallery, all motion is forgotten."""
        tracks = state["tracks"]
        gallery = self._remember(state["gallery"], _rows(tracks, np.flatnonzero(tracks["id"] > 0)))
        return {**state, "time": None, "grey": np.zeros((0, 0), np.uint8), "tracks": _no_tracks(), "gallery": gallery}

    def step(
        self, image: NDArray[np.uint8] | None, time: float, detections: Detections, state: State
    ) -> tuple[FrameTracks, State]:
        """Tracks of one frame, by id. `image` uint8 RGB `(height, width, 3)`, or None to link boxes alone."""
        found = _Found.of(detections, self.config.low, self.config.people)
        elapsed = max(time - state["time"], 0.0) if state["time"] is not None else 0.0
        tracks, grey = self._predict(image, elapsed, state)
        if image is not None and len(found.boxes):
            found.looks = relink.describe(image, found.boxes)
        match = self._match(tracks, found, time)
        tracks = self._update(tracks, found, match, time, state["size"])
        tracks = self._born(tracks, found, match, time, state["size"])
        tracks, gallery = self._end(tracks, time, elapsed, state)
        tracks, gallery, following = self._confirm(tracks, gallery, time, state["next"])
        result = self._report(tracks, time, state["size"])
        return result, {**state, "time": time, "next": following, "grey": grey, "tracks": tracks, "gallery": gallery}

    def _predict(
        self, image: NDArray[np.uint8] | None, elapsed: float, state: State
    ) -> tuple[State, NDArray[np.uint8]]:
        """Tracks moved on by their own motion and the camera's."""
        tracks, grey = state["tracks"], state["grey"]
        # Out of sight, people are thought to slow down, and their boxes neither to grow nor to shrink.
        slow = np.exp(-elapsed / self.config.still_seconds)
        hidden_damping = np.array([slow, slow, 0.0, 0.0])
        damping = np.where(tracks["observed"][:, None], 1.0, hidden_damping)
        mean, cov = motion.predict(tracks["mean"], tracks["cov"], elapsed, damping)
        if image is not None:
            after, scale = camera.shrink(image, self.config.camera_side)
            if grey.shape == after.shape and len(mean):
                boxes = motion.to_corners(tracks["mean"][:, :, 0]) * scale
                affine = camera.estimate(grey, after, boxes)
                if affine is not camera.IDENTITY:
                    full = camera.to_picture(affine, scale)
                    mean = motion.warp(mean, full)
                    tracks = {**tracks, "origin": tracks["origin"] @ full[:, :2].T + full[:, 2]}
            grey = after
        return {**tracks, "mean": mean, "cov": cov}, grey

    def _match(self, tracks: State, found: _Found, time: float) -> Index:
        """The detection of each track, -1 for none."""
        match = np.full(len(tracks["id"]), -1, np.int64)
        if not len(match) or not len(found.boxes):
            return match
        boxes = motion.to_corners(tracks["mean"][:, :, 0])
        same = overlap(boxes, found.boxes)
        far = motion.gate(tracks["mean"], tracks["cov"], found.measured)
        looks = self._look_cost(tracks, found)
        height = np.maximum(tracks["mean"][:, 3, 0], 1.0)
        ratio = np.abs(np.log(np.maximum(found.measured[:, 3], 1.0)[None] / height[:, None]))
        cost = 0.55 * (1 - same) + 0.15 * np.minimum(far / GATE, 1) + 0.3 * looks + 0.1 * np.minimum(ratio, 1)
        possible = ((far < GATE) | (same > 0.5)) & (ratio < 0.7) & ((looks < VETO) | (same > COVER))
        cost = np.where(possible, cost, FORBIDDEN)
        sure = tracks["id"] > 0
        strong = found.scores >= self.config.high
        recent = time - tracks["seen"] < 0.6
        weak_cost = np.where(same > 0.3, cost, FORBIDDEN)
        for rows, columns, costs in (
            (sure, strong, cost),
            (sure & recent, ~strong, weak_cost),
            (~sure, np.ones_like(strong), weak_cost),
        ):
            free = np.ones(len(strong), bool)
            free[match[match >= 0]] = False
            row, column = np.flatnonzero(rows & (match < 0)), np.flatnonzero(columns & free)
            i, j = assign(costs[np.ix_(row, column)])
            match[row[i]] = column[j]
        return match

    def _look_cost(self, tracks: State, found: _Found) -> Array:
        """Appearance distance scaled to 0..1, one half where either side has no look."""
        if not len(found.looks):
            return np.full((len(tracks["id"]), len(found.boxes)), 0.5)
        differ = np.minimum(relink.distance(tracks["look"], found.looks) / STRANGER, 1.0)
        known = (tracks["views"] > 0)[:, None] & (found.looks.sum(1) > 0)[None]
        return np.asarray(np.where(known, differ, 0.5))

    def _update(self, tracks: State, found: _Found, match: Index, time: float, size: list[int]) -> State:
        """Tracks with their detections taken in."""
        tracks = {**tracks, "observed": match >= 0}
        rows = np.flatnonzero(match >= 0)
        if not len(rows):
            return tracks
        tracks = {key: value.copy() for key, value in tracks.items()}
        chosen = match[rows]
        measured, scores = found.measured[chosen], found.scores[chosen]
        variance = motion.noise(tracks["mean"][rows], scores)
        tracks["mean"][rows], tracks["cov"][rows] = motion.update(
            tracks["mean"][rows], tracks["cov"][rows], measured, variance
        )
        tracks["seen"][rows] = time
        tracks["hits"][rows] += 1
        tracks["total"][rows] += scores
        tracks["score"][rows] = 0.7 * tracks["score"][rows] + 0.3 * scores
        away = np.linalg.norm(tracks["mean"][rows, :2, 0] - tracks["origin"][rows], axis=1)
        tracks["moved"][rows] = np.maximum(tracks["moved"][rows], away / np.maximum(tracks["mean"][rows, 3, 0], 1.0))
        if len(found.looks):
            self._learn_looks(tracks, found, rows, chosen, size)
        return tracks

    def _learn_looks(self, tracks: State, found: _Found, rows: Index, chosen: Index, size: list[int]) -> None:
        """Average looks, only from boxes that nobody else covers and that the picture's edge does not cut much."""
        boxes = found.boxes[chosen]
        clear = (hidden(found.boxes)[chosen] < 0.3) & (found.looks[chosen].sum(1) > 0) & ~_cut(boxes, size)
        rows, chosen = rows[clear], chosen[clear]
        views = tracks["views"][rows]
        rate = np.maximum(1 / (views + 1), 0.04)[:, None].astype(np.float32)
        tracks["look"][rows] = (1 - rate) * tracks["look"][rows] + rate * found.looks[chosen]
        tracks["views"][rows] = views + 1

    def _born(self, tracks: State, found: _Found, match: Index, time: float, size: list[int]) -> State:
        """New unconfirmed tracks from strong detections that nobody took."""
        free = rest(len(found.boxes), match[match >= 0])
        free = free[found.scores[free] >= self.config.birth]
        free = free[: max(self.config.people - len(match), 0)]
        if not len(free):
            return tracks
        mean, cov = motion.start(found.measured[free])
        count = len(free)
        looks = found.looks[free] if len(found.looks) else np.zeros((count, relink.SIZE), np.float32)
        looks = np.where(_cut(found.boxes[free], size)[:, None], np.float32(0), looks)
        fresh = {
            "id": np.zeros(count, np.int64),
            "mean": mean,
            "cov": cov,
            "start": np.full(count, time),
            "seen": np.full(count, time),
            "hits": np.ones(count, np.int64),
            "total": found.scores[free],
            "score": found.scores[free],
            "origin": found.measured[free, :2],
            "moved": np.zeros(count),
            "doubled": np.zeros(count),
            "observed": np.ones(count, bool),
            "look": looks,
            "views": (looks.sum(1) > 0).astype(np.int64),
        }
        return {key: np.concatenate([tracks[key], fresh[key]]) for key in tracks}

    def _end(self, tracks: State, time: float, elapsed: float, state: State) -> tuple[State, State]:
        """Without the tracks that are over; those who had an id go into the gallery."""
        config = self.config
        gallery = relink.forget(state["gallery"], time, self.relinking)
        if not len(tracks["id"]):
            return tracks, gallery
        tracks = self._count_doubles(tracks, elapsed)
        unseen = time - tracks["seen"]
        confirmed = tracks["id"] > 0
        outside = _outside(tracks["mean"], state["size"]) & ~tracks["observed"]
        double = tracks["doubled"] > config.doubled
        over = np.where(confirmed, unseen > config.lost, unseen > config.doubt) | outside | double
        if not over.any():
            return tracks, gallery
        gallery = self._remember(gallery, _rows(tracks, np.flatnonzero(over & confirmed & ~double)))
        return _rows(tracks, np.flatnonzero(~over)), gallery

    def _count_doubles(self, tracks: State, elapsed: float) -> State:
        """Seconds for which a younger track has covered the same person as an older one."""
        boxes = motion.to_corners(tracks["mean"][:, :, 0])
        older = tracks["start"][:, None] < tracks["start"][None]
        covered = ((overlap(boxes, boxes) > 0.6) & older & tracks["observed"][:, None]).any(0)
        return {**tracks, "doubled": np.where(covered, tracks["doubled"] + elapsed, 0.0)}

    def _remember(self, gallery: State, tracks: State) -> State:
        """The gallery with these tracks' people."""
        known = tracks["views"] >= 3
        if not known.any():
            return gallery
        rows = _rows(tracks, np.flatnonzero(known))
        places = rows["mean"][:, [0, 1, 3], 0]
        return relink.remember(gallery, rows["id"], rows["look"], rows["seen"], places, self.relinking)

    def _confirm(self, tracks: State, gallery: State, time: float, following: int) -> tuple[State, State, int]:
        """Ids for the tracks that have proved themselves: an old one for someone who returns, else the next."""
        config = self.config
        sure = tracks["total"] / np.maximum(tracks["hits"], 1)
        still = np.where(time - tracks["start"] >= config.later, config.sure_later, config.sure_still)
        needed = np.where(tracks["moved"] >= config.stir, config.sure, still)
        # whoever comes in by the picture's edge may be somebody who left by it, which shows once more of them is seen
        unseen = (tracks["views"] < 2) & (time - tracks["start"] < config.look) & bool(len(gallery["id"]))
        ready = (
            (tracks["id"] == 0)
            & ~unseen
            & tracks["observed"]
            & (time - tracks["start"] >= config.confirm)
            & (tracks["hits"] >= config.hits)
            & (sure >= needed)
        )
        if not ready.any():
            return tracks, gallery, following
        rows = np.flatnonzero(ready)
        ids = np.zeros(len(rows), np.int64)
        known = tracks["views"][rows] >= 2
        places = tracks["mean"][rows][:, [0, 1, 3], 0]
        if known.any():
            ids[known] = relink.return_ids(
                gallery, tracks["look"][rows[known]], places[known], time, tracks["id"], self.relinking
            )
        for position in np.flatnonzero(ids == 0):
            ids[position], following = following, following + 1
        everybody = tracks["id"].copy()
        everybody[rows] = ids
        return {**tracks, "id": everybody}, gallery, following

    def _report(self, tracks: State, time: float, size: list[int]) -> FrameTracks:
        """The confirmed tracks that are seen, or were lately."""
        unseen = time - tracks["seen"]
        bridge = (0.75 * (tracks["seen"] - tracks["start"])).clip(0.4, self.config.bridge)
        shown = (tracks["id"] > 0) & (tracks["observed"] | (unseen <= bridge))
        boxes = motion.to_corners(tracks["mean"][:, :, 0])
        ghost = shown & ~tracks["observed"]
        if ghost.any():
            solid = boxes[shown & tracks["observed"]]
            shown[ghost] &= ~(overlap(boxes[ghost], solid) > 0.5).any(1)
        rows = np.flatnonzero(shown)
        rows = rows[np.argsort(tracks["id"][rows])]
        inside = boxes[rows].clip(0, [size[0], size[1], size[0], size[1]])
        large = (inside[:, 2] - inside[:, 0] >= 1) & (inside[:, 3] - inside[:, 1] >= 1)
        rows, inside = rows[large], inside[large]
        scores = tracks["score"][rows] * np.where(tracks["observed"][rows], 1.0, 0.5)
        return FrameTracks(
            tracks["id"][rows],
            inside.astype(np.float32),
            scores.astype(np.float32),
            ("person",) * len(rows),
            tracks["observed"][rows],
        )


class _Found:
    """Detections of one frame in an order of their own, so that the order given does not matter."""

    def __init__(self, boxes: Array, scores: Array) -> None:
        self.boxes, self.scores = boxes, scores
        self.measured = motion.to_centre(boxes)
        self.looks = NO_LOOKS

    @classmethod
    def of(cls, detections: Detections, low: float, most: int) -> _Found:
        boxes, scores = detections.boxes.astype(np.float64), detections.scores.astype(np.float64)
        order = np.lexsort((*boxes.T, -scores))
        order = order[scores[order] >= low][:most]
        return cls(boxes[order], scores[order])


def _no_tracks() -> State:
    return {
        "id": np.zeros(0, np.int64),
        "mean": np.zeros((0, 4, 2)),
        "cov": np.zeros((0, 4, 3)),
        "start": np.zeros(0),
        "seen": np.zeros(0),
        "hits": np.zeros(0, np.int64),
        "total": np.zeros(0),
        "score": np.zeros(0),
        "origin": np.zeros((0, 2)),
        "moved": np.zeros(0),
        "doubled": np.zeros(0),
        "observed": np.zeros(0, bool),
        "look": NO_LOOKS,
        "views": np.zeros(0, np.int64),
    }


def _rows(tracks: State, index: Index) -> State:
    return {key: value[index] for key, value in tracks.items()}


def _cut(boxes: Array, size: list[int]) -> NDArray[np.bool_]:
    """Boxes that the left or right edge of the picture cuts: detections end there."""
    return np.asarray((boxes[:, 0] <= 1) | (boxes[:, 2] >= size[0] - 1))


def _outside(mean: Array, size: list[int]) -> NDArray[np.bool_]:
    x, y = mean[:, 0, 0], mean[:, 1, 0]
    return np.asarray((x < 0) | (y < 0) | (x > size[0]) | (y > size[1]))


def measure(variant: str = "default") -> dict[str, int]:
    """No network: nothing is learnt."""
    del variant
    return {"parameters": 0, "multiply_adds": 0}
