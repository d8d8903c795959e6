"""Hands from body keypoints, and how surely a hand touches a thing."""

from __future__ import annotations

import math
from dataclasses import dataclass

from onlooker.events.anchors import keypoint
from onlooker.events.packet import Box, Detection
from onlooker.events.rules import ObjectRules

SHOULDERS = (5, 6)
HIPS = (11, 12)
ARMS = ((7, 9), (8, 10))  # elbow and wrist, left and right

REACH = 0.3  # the hand lies this share of the forearm beyond the wrist
OF_SHOULDERS, OF_HEIGHT = 0.15, 0.1  # the hand's radius
LEAST_OF_HEIGHT = 0.03  # shoulders seen from the side have no width


@dataclass(frozen=True, slots=True)
class Hand:
    """Centre, radius and visibility, in pixels."""

    x: float
    y: float
    radius: float
    visibility: float


def hands_of(person: Detection) -> list[Hand]:
    """The hands that can be seen: the wrist, carried on along the forearm."""
    radius = hand_radius(person)
    hands = []
    for elbow_index, wrist_index in ARMS:
        wrist, elbow = keypoint(person, wrist_index), keypoint(person, elbow_index)
        if wrist is None:
            continue
        x, y, visibility = wrist
        if elbow is not None:
            x, y = x + REACH * (x - elbow[0]), y + REACH * (y - elbow[1])
        hands.append(Hand(x, y, radius, min(visibility, 1.0)))
    return hands


def hand_radius(person: Detection) -> float:
    """By the shoulders where both are seen, else by the height of the box."""
    height = person.box[3] - person.box[1]
    left, right = (keypoint(person, index) for index in SHOULDERS)
    if left is None or right is None:
        return OF_HEIGHT * height
    return max(OF_SHOULDERS * math.hypot(left[0] - right[0], left[1] - right[1]), LEAST_OF_HEIGHT * height)


def touch(hands: list[Hand], thing: Detection) -> float | None:
    """The best of exp(-(gap / radius)^2) * score * visibility over the hands; None when no hand can be seen."""
    if not hands:
        return None
    return max(math.exp(-((_gap(h, thing.box) / h.radius) ** 2)) * thing.score * h.visibility for h in hands)


def hands_meet(a: list[Hand], b: list[Hand]) -> bool:
    """Whether two people's hands are within two radii."""
    return any(math.hypot(p.x - q.x, p.y - q.y) <= 2 * max(p.radius, q.radius) for p in a for q in b)


def torso(person: Detection) -> Box:
    """Where a thing can vanish under clothes: between shoulders and hips, a fifth larger; else the box's middle."""
    points = [p for p in (keypoint(person, index) for index in (*SHOULDERS, *HIPS)) if p is not None]
    x1, y1, x2, y2 = person.box
    if len(points) < 4:
        width, height = x2 - x1, y2 - y1
        return x1 + 0.2 * width, y1 + 0.15 * height, x2 - 0.2 * width, y1 + 0.65 * height
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    grow = 0.2 * (max(ys) - min(ys))
    return min(xs) - grow, min(ys) - grow, max(xs) + grow, max(ys) + grow


@dataclass(slots=True)
class Contact:
    """One person's hands on one thing: `first` touch, `last` touch, `released` when it ended, `on` when it is certain.

    `held` is how long the present touch has lasted, None without one; `off` the same for its absence.
    """

    first: float = 0.0
    last: float = 0.0
    released: float = 0.0
    on: bool = False
    held: float | None = None
    off: float | None = None
    score: float = 0.0

    def update(self, score: float, time: float, dt: float, rules: ObjectRules) -> None:
        """One observation of both; `dt` seconds of it count."""
        self.score = score = float(score)
        if score >= rules.contact_on:
            if self.held is None and not self.on:
                self.first = time
            self.held = 0.0 if self.held is None else self.held + dt
            self.last, self.off = time, None
            self.on = self.on or self.held >= rules.contact_s - 1e-9
            return
        if not self.on:
            self.held = None
        elif score <= rules.contact_off:
            if self.off is None:
                self.off, self.released = 0.0, time
            else:
                self.off += dt
            if self.off >= rules.release_s - 1e-9:
                self.on, self.held, self.off = False, None, None
        else:
            self.off = None


def _gap(hand: Hand, box: Box) -> float:
    dx = max(box[0] - hand.x, 0.0, hand.x - box[2])
    dy = max(box[1] - hand.y, 0.0, hand.y - box[3])
    return math.hypot(dx, dy)
