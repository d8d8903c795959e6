"""Where one shot ends and the next begins: cuts, dissolves and fades, found online with an explicit state.

Every frame is kept as a thumbnail for about three seconds. A cut is a step between two frames that is large, stands
out from the steps around it, and stays: no frame shortly before it looks like one shortly after it, which a flash or
an object close to the lens does not survive. A dissolve or fade is a stretch in which every frame is a mixture of the
same two pictures with steadily growing weight, which motion of camera or objects never is. (So a long dissolve between
shots in which much moves is missed, and wipes are not looked for.)

Thresholds are in units of `difference` (see `shot_features`), in which the same view lies near 0 and two different
shots near 1.4. Nothing depends on how the frames are cut into chunks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from onlooker.video.shot_features import HEIGHT, WIDTH, Thumbnail, difference, is_plain, mixture, thumbnail

if TYPE_CHECKING:
    from onlooker.video import Clip

State = dict[str, Any]
Kind = Literal["cut", "dissolve", "fade"]

_DIFFERENT = 0.5  # two frames of different shots
_STANDS_OUT = 2.5  # a cut is this many times the largest step near it
_NEAR = 6  # frames on each side that a cut is checked against
_LENGTHS = (2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 80)  # steps from the last frame of one shot to the first of the next
_UNEXPLAINED = 0.5  # of a mixture; a wipe or a passing object leaves about 1
_CLOSED = 16  # frames without a better explanation after which a gradual change is decided
_IDLE = 0.03  # a weight this near to 0 or 1 is not yet, or no longer, part of the change
_SETTLE = 4  # frames beyond each end of a gradual change that must already be the two shots
_BLACK_SHOT = 0.5  # seconds; a plain stretch shorter than this belongs to the fade around it

_HOLD = 168  # frames that an end in black waits for the picture that follows it
_KEPT = 128  # thumbnails in the state

LOOKAHEAD = _HOLD
"""A boundary at frame `i` is reported at the latest when frame `i + LOOKAHEAD` comes, a plain cut after 24 frames."""


@dataclass(frozen=True)
class Boundary:
    """`index` and `time` are those of the first frame of the new shot.

    `start` and `end` are the first frame of the change and the first one after it; for a cut both are `index`. In a
    dissolve, the new shot begins where it outweighs the old one; in a fade to a plain colour, where that is reached;
    in a fade from it, where the picture begins to show. `score` goes from 0.5 (just different enough) to 1.
    """

    index: int
    time: float
    kind: Kind
    start: int
    end: int
    score: float


@dataclass
class _Change:
    """A boundary in the making; positions count frames from the first one that `step` saw."""

    start: int
    end: int
    at: int
    kind: Kind
    score: float
    from_plain: bool
    to_plain: bool
    before: Thumbnail
    after: Thumbnail
    frames: tuple[int, int, int]  # indices of start, at, end
    times: tuple[float, float, float]


def init_state() -> State:
    """The state before the first frame: numbers, lists, dicts and NumPy arrays of bounded size."""
    return {
        "seen": 0,
        "thumbnails": np.zeros((0, HEIGHT, WIDTH, 3), np.uint8),
        "times": np.zeros(0),
        "indices": np.zeros(0, np.int64),
        "steps": np.zeros(0),
        "windows": [],
        "settled": 0,
        "pending": [],
    }


def step(
    state: State,
    images: NDArray[np.uint8],
    times: Sequence[float] | NDArray[np.float64],
    indices: Sequence[int] | NDArray[np.int64],
    status: Sequence[int] | NDArray[np.uint8] | None = None,
) -> tuple[list[Boundary], State]:
    """Look at the next frames, uint8 RGB (n, height, width, 3); boundaries come in order, a little late (`LOOKAHEAD`).

    Where `status` is not 0 (a damaged frame), the last good picture stands in, so that damage never makes a boundary.
    The state that is given stays as it was.

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> red, blue = (rng.integers(0, c, (90, 160, 3), np.uint8) for c in ([250, 60, 60], [40, 40, 250]))
    >>> frames = np.stack([red] * 30 + [blue] * 30)
    >>> found, state = step(init_state(), frames, np.arange(60) / 25, np.arange(60))
    >>> [(b.index, b.kind) for b in found + finish(state)]
    [(30, 'cut')]
    """
    window = _Window(state)
    found: list[Boundary] = []
    for i, image in enumerate(images):
        damaged = status is not None and bool(status[i])
        window.add(image, float(times[i]), int(indices[i]), damaged)
        found += window.decide(window.seen - 1, ended=False)
    return found, window.state()


def recent_steps(state: State, count: int) -> NDArray[np.float64]:
    """How much each of the last `count` frames (at most `_KEPT`) differs from the one before it; see `difference`."""
    return np.asarray(state["steps"][len(state["steps"]) - count :], np.float64)


def finish(state: State) -> list[Boundary]:
    """What was still waiting for frames that will not come."""
    window = _Window(state)
    return [b for ahead in range(_HOLD + 1) for b in window.decide(window.seen + ahead, ended=True)]


def find_shots(clips: Iterable[Clip]) -> list[Boundary]:
    """All boundaries of a whole video, given as consecutive clips (for example `video.chunks(size=64)`)."""
    state, found = init_state(), []
    for clip in clips:
        some, state = step(state, clip.images, clip.times, clip.indices, clip.status)
        found += some
    return found + finish(state)


class _Window:
    """The last frames and what is suspected in them; `decide` is called once for each position, in order."""

    def __init__(self, state: State) -> None:
        self.seen = int(state["seen"])
        self._thumbnails: list[Thumbnail] = list(state["thumbnails"])
        self._vectors = [_vector(t) for t in self._thumbnails]
        self._times = list(state["times"])
        self._indices = list(state["indices"])
        self._steps = list(state["steps"])
        self._windows = [tuple(w) for w in state["windows"]]
        self._settled = int(state["settled"])
        self._pending = [
            _Change(**{**c, "frames": tuple(c["frames"]), "times": tuple(c["times"])}) for c in state["pending"]
        ]

    def state(self) -> State:
        return {
            "seen": self.seen,
            "thumbnails": np.array(self._thumbnails, np.uint8).reshape(-1, HEIGHT, WIDTH, 3),
            "times": np.array(self._times, np.float64),
            "indices": np.array(self._indices, np.int64),
            "steps": np.array(self._steps, np.float64),
            "windows": [list(w) for w in self._windows],
            "settled": self._settled,
            "pending": [vars(c) | {"frames": list(c.frames), "times": list(c.times)} for c in self._pending],
        }

    def add(self, image: NDArray[np.uint8], time: float, index: int, damaged: bool) -> None:
        picture = self._thumbnails[-1] if damaged and self._thumbnails else thumbnail(image)
        self._steps.append(_step(self._thumbnails[-1], picture) if self._thumbnails else 0.0)
        self._thumbnails.append(picture)
        self._vectors.append(_vector(picture))
        self._times.append(time)
        self._indices.append(index)
        self.seen += 1
        if len(self._times) > _KEPT:
            for kept in (self._thumbnails, self._vectors, self._times, self._indices, self._steps):
                del kept[0]

    def decide(self, now: int, *, ended: bool) -> list[Boundary]:
        """What is certain at position `now`, which lies past the last frame once the video has ended."""
        cut = now - _NEAR
        if self._first < cut < self.seen and self._is_cut(cut):
            self._note_cut(cut)
        last = now - _SETTLE
        if self._first < last < self.seen:
            self._windows += [w for w in (self._explain(a, last) for a in self._suspects(last)) if w is not None]
        self._close_windows(now)
        return self._report(now, ended)

    @property
    def _first(self) -> int:
        return self.seen - len(self._times)

    def _picture(self, position: int) -> Thumbnail:
        return self._thumbnails[min(max(position, self._first), self.seen - 1) - self._first]

    def _between(self, one: int, other: int) -> float:
        return difference(self._picture(one), self._picture(other))

    def _is_cut(self, at: int) -> bool:
        step = self._steps[at - self._first]
        if step < _DIFFERENT:
            return False
        low, high = max(self._first + 1, at - _NEAR), min(self.seen, at + _NEAR + 1)
        around = [self._steps[i - self._first] for i in range(low, high) if i != at]
        beside = [self._steps[i - self._first] for i in (at - 1, at + 1) if low <= i < high]
        # two more cuts may lie this near; a fast pan has more large steps than that
        usual = sorted(around)[-3] if len(around) > 2 else 0.0
        if step < _STANDS_OUT * usual or step < 1.3 * max(beside, default=0.0):
            return False
        before, after = range(max(low - 1, self._first), at), range(at, high)
        pairs = (
            {(at - 1, j) for j in after} | {(i, at) for i in before} | {(max(i, before[0]), 2 * at - i) for i in before}
        )
        return all(self._between(i, j) >= 0.8 * _DIFFERENT for i, j in pairs if j < self.seen)

    def _note_cut(self, at: int) -> None:
        score = _score(self._steps[at - self._first])
        self._insert(self._change(at, at, at, "cut", score))

    def _suspects(self, b: int) -> list[int]:
        """Starts of windows up to `b` whose middle frame is about half of each end: a cheap test, which few pass."""
        lowest = max(self._first, self._settled)
        starts = np.array([b - n for n in _LENGTHS if b - n >= lowest], int)
        if not len(starts):
            return []
        rows = self._vectors
        first = np.array([rows[a - self._first] for a in starts])
        moved = np.array([rows[(a + b) // 2 - self._first] for a in starts]) - first
        step = rows[b - self._first] - first
        length = np.einsum("nd,nd->n", step, step) + 1e-6
        alpha = np.einsum("nd,nd->n", moved, step) / length
        rest = 4 * (np.einsum("nd,nd->n", moved, moved) / length - alpha * alpha)
        # root mean square of 4 grey levels: less than that is no change that anyone sees
        usual = (length > 16.0 * step.shape[1]) & (rest < _UNEXPLAINED**2) & (alpha > 0.15) & (alpha < 0.85)
        return [int(a) for a in starts[usual]]

    def _explain(self, a: int, b: int) -> tuple[int, int, float] | None:
        """The window (a, b) when all frames in it are a steady mixture of those two, with how well that explains it."""
        if a < max(self._first, self._settled):
            return None
        first, last = self._vectors[a - self._first], self._vectors[b - self._first]
        inner = self._vectors[a + 1 - self._first : b - self._first]
        alpha, rest = mixture(first, last, np.array(inner))
        if not _is_steady(alpha, rest) or np.diff(alpha, prepend=0.0, append=1.0).max() > max(0.25, 3.0 / (b - a)):
            return None
        different = min(self._between(a, b), self._between(a - _SETTLE, b + _SETTLE))
        if different * (1.0 - float(rest.mean())) < _DIFFERENT or rest.mean() > 0.7 * _UNEXPLAINED:
            return None
        busy = float(((alpha > _IDLE) & (alpha < 1 - _IDLE)).mean())
        return a, b, float(np.linalg.norm(last - first)) * (1.0 - float(rest.mean())) * busy

    def _close_windows(self, now: int) -> None:
        while self._windows:
            together = _cluster(self._windows)
            newest, oldest = max(w[1] for w in together), min(w[0] for w in together)
            if now - _SETTLE - newest < _CLOSED and now - oldest < _KEPT - 4 * _SETTLE:
                return
            self._windows = [w for w in self._windows if w not in together]
            taken: list[tuple[int, int]] = []
            while together:
                a, b = self._sharpen(max(together, key=lambda w: (w[2], w[0])))
                if all(a >= d - 1 or b <= c + 1 for c, d in taken):
                    taken.append((a, b))
                together = [w for w in together if all(w[0] >= d - 1 or w[1] <= c + 1 for c, d in [*taken, (a, b)])]
            for a, b in sorted(taken):
                self._note_gradual(a, b)
            self._settled = max(b for _, b in taken) - 1

    def _sharpen(self, best: tuple[int, int, float]) -> tuple[int, int]:
        """The best window among those whose ends lie a few frames off."""
        a, b, _ = best
        reach = max(1, (b - a) // 6)
        around = range(-reach, reach + 1)
        near = [(a + i, b + j) for i in around for j in around if b + j - a - i >= 2 and b + j < self.seen]
        found = [w for w in (self._explain(*ends) for ends in near) if w is not None]
        a, b, _ = max([best, *found], key=lambda w: (w[2], w[0]))
        return a, b

    def _note_gradual(self, a: int, b: int) -> None:
        # the first frame out of black already has the structure of the new shot: the mixture explains that step too
        self._pending = [c for c in self._pending if c.kind != "cut" or not a < c.at <= b]
        vectors = np.array(self._vectors[a + 1 - self._first : b - self._first])
        alpha, rest = mixture(self._vectors[a - self._first], self._vectors[b - self._first], vectors)
        before, after = self._picture(a), self._picture(b)
        plain_before, plain_after = is_plain(before, after), is_plain(after, before)
        start, end = _extent(alpha, a, b)
        # nothing moves in a plain picture: the weights near it are sure
        start, end = a + 1 if plain_before else start, b if plain_after else end
        half = a + 1 + int(np.argmax(np.append(alpha, 1.0) >= 0.5))
        at = end if plain_after else start if plain_before else half
        kind: Kind = "fade" if plain_before or plain_after else "dissolve" if b - a > 2 else "cut"
        if kind == "cut":
            start = end = at
        score = _score(self._between(a - _SETTLE, b + _SETTLE)) * (1.0 - 0.5 * float(rest.mean()))
        self._insert(self._change(start, end, at, kind, score))

    def _change(self, start: int, end: int, at: int, kind: Kind, score: float) -> _Change:
        where = [min(max(p, self._first), self.seen - 1) - self._first for p in (start, at, end)]
        before, after = self._picture(start - 1), self._picture(end)
        return _Change(
            start,
            end,
            at,
            kind,
            max(0.5, score),
            is_plain(before, after),
            is_plain(after, before),
            before,
            after,
            (int(self._indices[where[0]]), int(self._indices[where[1]]), int(self._indices[where[2]])),
            (float(self._times[where[0]]), float(self._times[where[1]]), float(self._times[where[2]])),
        )

    def _insert(self, change: _Change) -> None:
        self._pending = sorted([*self._pending, change], key=lambda c: c.at)

    def _report(self, now: int, ended: bool) -> list[Boundary]:
        found = []
        while self._pending:
            first = self._pending[0]
            if now < first.end + _CLOSED + 2 * _SETTLE or any(w[0] < first.end for w in self._windows):
                break
            follower = self._pending[1] if len(self._pending) > 1 else None
            if first.to_plain and follower is None and now < first.end + _HOLD:
                break
            if follower is not None and now < follower.end + _CLOSED + 2 * _SETTLE and first.to_plain:
                break
            if follower is not None and first.to_plain and follower.from_plain:
                short = follower.times[0] - first.times[2] < _BLACK_SHOT
                if short:
                    self._pending[:2] = _through_plain(first, follower)
                    continue
            self._pending.pop(0)
            found.append(
                Boundary(
                    first.frames[1], first.times[1], first.kind, first.frames[0], first.frames[2], round(first.score, 4)
                )
            )
        return found


def _through_plain(out: _Change, back: _Change) -> list[_Change]:
    """One change from two with a short plain stretch between; none when the same view comes back (a blackout)."""
    cuts = out.kind == back.kind == "cut"
    if cuts and difference(out.before, back.after) < _DIFFERENT:
        return []
    kind: Kind = "cut" if cuts else "fade"
    frames, times = (out.frames[0], back.frames[1], back.frames[2]), (out.times[0], back.times[1], back.times[2])
    if cuts:
        frames, times = (back.frames[1],) * 3, (back.times[1],) * 3
    joined = replace(
        out, start=back.at if cuts else out.start, end=back.end, at=back.at, kind=kind, frames=frames, times=times
    )
    return [replace(joined, to_plain=back.to_plain, after=back.after, score=max(out.score, back.score))]


def _step(before: Thumbnail, after: Thumbnail) -> float:
    # a mean of 2 grey levels is no cut, and most frames change less
    return 0.0 if cv2.norm(before, after, cv2.NORM_L1) < 2.0 * before.size else difference(before, after)


def _vector(picture: Thumbnail) -> NDArray[np.float32]:
    small = cv2.resize(picture, (WIDTH // 2, HEIGHT // 2), interpolation=cv2.INTER_AREA)
    vector: NDArray[np.float32] = small.astype(np.float32).ravel()
    return vector


def _is_steady(alpha: NDArray[np.float32], rest: NDArray[np.float32]) -> bool:
    """Weights that rise from near 0 to near 1, none of them idle, and little that they leave unexplained."""
    rises = np.diff(alpha, prepend=0.0, append=1.0)
    middle = float(np.interp(0.5, np.linspace(0, 1, len(alpha) + 2), np.concatenate([[0.0], alpha, [1.0]])))
    idle = float(((alpha < _IDLE) | (alpha > 1 - _IDLE)).mean())
    return bool(rest.max() < _UNEXPLAINED and rises.min() > -0.05 and 0.2 < middle < 0.8 and idle < 0.4)


def _extent(alpha: NDArray[np.float32], a: int, b: int) -> tuple[int, int]:
    """First frame of the change and first one after it, by a straight line through the middle of the weights."""
    position = np.arange(a + 1, b)
    busy = position[(alpha > 0.01) & (alpha < 0.99)]
    middle = (alpha > 0.15) & (alpha < 0.85)
    if not len(busy) or middle.sum() < 2:
        return a + 1, b
    slope, offset = np.polyfit(position[middle], alpha[middle], 1)
    if slope <= 0:
        return int(busy[0]), int(busy[-1]) + 1
    # motion makes single weights unsure, the line does not know of a sudden start: take the shorter of the two
    start, end = int(np.floor(-offset / slope)) + 1, int(np.ceil((1 - offset) / slope))
    return min(max(start, int(busy[0])), int(busy[-1])), max(min(end, int(busy[-1]) + 1), int(busy[0]) + 1)


def _cluster(windows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """The earliest windows that overlap one another."""
    ordered = sorted(windows)
    together, end = [ordered[0]], ordered[0][1]
    for window in ordered[1:]:
        if window[0] >= end:
            break
        together.append(window)
        end = max(end, window[1])
    return together


def _score(different: float) -> float:
    return float(np.clip(0.5 + 0.5 * (different - _DIFFERENT) / (1.0 - _DIFFERENT), 0.5, 1.0))
