"""Who a person is: sizes of the body, skin, hair, and the personal manner of walking, all from an identity seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from onlooker.world.seeds import generator

Colour = tuple[int, int, int]

SKINS: tuple[Colour, ...] = (
    (244, 212, 190),
    (232, 190, 160),
    (214, 166, 130),
    (190, 138, 100),
    (150, 104, 72),
    (112, 74, 50),
    (84, 56, 40),
)
HAIRS: dict[str, Colour] = {
    "black": (32, 28, 28),
    "dark brown": (62, 42, 30),
    "brown": (100, 68, 44),
    "red": (140, 70, 36),
    "blond": (196, 160, 96),
    "grey": (150, 148, 146),
    "white": (214, 212, 208),
}
HAIR_STYLES = ("bald", "short", "bob", "long", "ponytail", "bun", "afro")


@dataclass(frozen=True, slots=True)
class Gait:
    """One person's walk. Angles in radians, `stride` in leg lengths per cycle at the natural pace."""

    pace: float  # natural speed, m/s
    hip: float  # swing amplitude of the thigh
    hip_offset: float
    knee: float  # bend in swing
    load: float  # bend at loading
    ankle: float
    arm_left: float
    arm_right: float
    elbow: float
    elbow_swing: float
    carry: float  # arms held away from the body
    lean: float
    bounce: float  # nod of the trunk per step
    twist: float
    sway: float
    toe_out: float
    skew: float  # right step later than half a cycle
    head: float


@dataclass(frozen=True, slots=True)
class Body:
    """Metres unless said. `girth` and `width` scale thickness, `kind` is adult, child or baby."""

    identity: int
    kind: str
    gender: str
    height: float
    head: float
    neck: float
    trunk: float
    upper_arm: float
    forearm: float
    hand: float
    thigh: float
    shank: float
    ankle: float
    foot: float
    shoulders: float
    hips: float
    girth: float
    belly: float
    muscle: float
    skin: Colour
    hair_colour: str
    hair_style: str
    beard: float
    face: tuple[float, ...]  # eye spacing, eye size, nose length, nose width, mouth width, jaw, brow height, lips
    voice: float  # pitch of the speech in Hz
    gait: Gait

    @property
    def leg(self) -> float:
        """Hip to sole."""
        return self.thigh + self.shank + self.ankle


def make_body(identity: int, kind: str = "adult") -> Body:
    """The body that belongs to an identity seed.

    >>> make_body(3) == make_body(3), make_body(3) == make_body(4)
    (True, False)
    """
    rng = generator(identity, "body", kind)
    female = bool(rng.random() < 0.5)
    height = {
        "adult": rng.normal(1.66 if female else 1.78, 0.065),
        "child": rng.normal(1.22, 0.09),
        "baby": rng.normal(0.70, 0.03),
    }[kind]
    height = float(np.clip(height, 0.6, 2.02))
    head = {"adult": 0.131, "child": 0.16, "baby": 0.24}[kind] * height * rng.normal(1, 0.02)
    limbs = {"adult": 1.0, "child": 0.95, "baby": 0.74}[kind]

    def part(share: float, spread: float = 0.025) -> float:
        return float(share * height * limbs * rng.normal(1, spread))

    thigh, shank, ankle = part(0.245), part(0.243), 0.039 * height
    neck = 0.045 * height if kind != "baby" else 0.02
    trunk = height - head - neck - thigh - shank - ankle
    stocky = float(np.clip(rng.normal(1.0, 0.12), 0.78, 1.35))
    return Body(
        identity=identity,
        kind=kind,
        gender="woman" if female else "man",
        height=height,
        head=float(head),
        neck=float(neck),
        trunk=float(trunk),
        upper_arm=part(0.172),
        forearm=part(0.148),
        hand=part(0.100),
        thigh=thigh,
        shank=shank,
        ankle=float(ankle),
        foot=part(0.145),
        shoulders=part(0.207 if female else 0.226, 0.04),
        hips=part(0.108 if female else 0.100, 0.05),
        girth=stocky,
        belly=float(np.clip(rng.normal(1.0 + 0.5 * (stocky - 1), 0.10), 0.8, 1.5)),
        muscle=float(np.clip(rng.normal(0.95 if female else 1.05, 0.08), 0.75, 1.3)),
        skin=SKINS[int(rng.integers(len(SKINS)))],
        hair_colour=tuple(HAIRS)[int(rng.integers(len(HAIRS) - (0 if kind == "adult" else 2)))],
        hair_style=_hair_style(rng, female, kind),
        beard=float(rng.random() if not female and kind == "adult" and rng.random() < 0.35 else 0.0),
        face=tuple(float(value) for value in np.clip(rng.normal(1, 0.12, 8), 0.7, 1.3)),
        voice=float(rng.normal(205 if female else 118, 16) * (1.0 if kind == "adult" else 1.5)),
        gait=_make_gait(rng),
    )


def _hair_style(rng: np.random.Generator, female: bool, kind: str) -> str:
    if kind == "baby":
        return "short"
    weights = [0.02, 0.15, 0.22, 0.28, 0.17, 0.1, 0.06] if female else [0.14, 0.64, 0.06, 0.05, 0.03, 0.02, 0.06]
    return HAIR_STYLES[int(rng.choice(len(HAIR_STYLES), p=weights))]


def _make_gait(rng: np.random.Generator) -> Gait:
    def about(mean: float, spread: float) -> float:
        return float(rng.normal(mean, spread))

    swing = max(0.08, about(0.42, 0.14))
    pace = float(np.clip(about(1.28, 0.16), 0.85, 1.7))
    swings = about(0.40, 0.04)
    hip_offset, knee = about(0.14, 0.03), about(0.98, 0.11)
    load = float(np.clip(about(0.22, 0.07), 0.04, 0.42))
    return Gait(
        pace=pace,
        # who walks fast, or gives way in the knee, swings the leg further, so that nobody trips or strides like a giant
        hip=float(np.clip(swings + 0.22 * (pace - 1.28) + 0.35 * (load - 0.22), 0.28, 0.56)),
        hip_offset=hip_offset,
        knee=float(np.clip(knee, 0.65, 1.3)),
        load=load,
        ankle=float(np.clip(about(0.30, 0.06), 0.12, 0.5)),
        arm_left=swing * float(np.clip(about(1, 0.18), 0.3, 1.6)),
        arm_right=swing * float(np.clip(about(1, 0.18), 0.3, 1.6)),
        elbow=float(np.clip(about(0.30, 0.13), 0.05, 0.8)),
        elbow_swing=float(np.clip(about(0.22, 0.10), 0.0, 0.5)),
        carry=float(np.clip(about(0.10, 0.04), 0.03, 0.25)),
        lean=about(0.04, 0.035),
        bounce=float(np.clip(about(0.02, 0.012), 0, 0.06)),
        twist=float(np.clip(about(0.10, 0.05), 0.0, 0.25)),
        sway=float(np.clip(about(0.045, 0.02), 0.0, 0.11)),
        toe_out=about(0.12, 0.08),
        skew=about(0.0, 0.018),
        head=float(np.clip(about(0.02, 0.015), 0, 0.06)),
    )
