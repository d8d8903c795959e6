"""A body in its clothes as parts: legs, trunk, arms, bags; the head is in `hairdress`."""

from __future__ import annotations

from dataclasses import replace

from onlooker.world.body import Body
from onlooker.world.clothing import CLOTH, Outfit
from onlooker.world.hairdress import head_parts
from onlooker.world.parts import Part, Size


def dress(body: Body, outfit: Outfit) -> list[Part]:
    """All strands of a dressed person, head included (face and hair cap are painted by `face`)."""
    return [
        *_legs(body, outfit),
        *_trunk(body, outfit),
        *_arms(body, outfit),
        *head_parts(body),
        *_bag(body, outfit),
    ]


def _at(joint: str) -> tuple[str, str, float]:
    return joint, joint, 0.0


def _legs(body: Body, outfit: Outfit) -> list[Part]:
    h, girth = body.height, body.girth
    trousers = CLOTH[outfit.bottom_colour]
    slack = {"trousers": 1.10, "shorts": 1.18}.get(outfit.bottom, 1.0)
    hip, knee = 0.050 * h * girth, 0.033 * h * (0.5 + 0.5 * girth)
    calf, shin = 0.034 * h * girth * body.muscle**0.5, 0.021 * h
    covered = outfit.bottom == "trousers"
    parts = []
    for side in ("l", "r"):
        thigh, shank = f"{side}_thigh", f"{side}_shank"
        colour = trousers if outfit.bottom in ("trousers", "shorts") else body.skin
        lower = trousers if covered else body.skin
        cuff = slack if covered else 1.0
        a, k, f = f"{side}_hip", f"{side}_knee", f"{side}_ankle"
        parts += [
            Part(
                f"{side}_thigh", _at(a), _at(k), thigh, (hip * slack, hip * slack), (knee * slack, knee * slack), colour
            ),
            Part(
                f"{side}_calf",
                _at(k),
                (k, f, 0.35),
                shank,
                (knee * cuff,) * 2,
                (calf * cuff,) * 2,
                lower,
                end_offset=(-0.008 * h, 0, 0),
            ),
            Part(
                f"{side}_shin",
                (k, f, 0.35),
                (k, f, 0.97),
                shank,
                (calf * cuff,) * 2,
                (shin * (1.45 if covered else 1.0),) * 2,
                lower,
                0.5,
                start_offset=(-0.008 * h, 0, 0),
            ),
            *_shoe(body, outfit, side),
        ]
    return parts


def _shoe(body: Body, outfit: Outfit, side: str) -> list[Part]:
    h, colour = body.height, CLOTH[outfit.shoe_colour]
    heel, ball, toe = (0.023 * h,) * 2, (0.026 * h,) * 2, (0.019 * h,) * 2
    foot = f"{side}_foot"
    middle = (f"{side}_heel", f"{side}_toe", 0.45)
    return [
        Part(
            f"{side}_heel",
            _at(f"{side}_heel"),
            middle,
            foot,
            heel,
            ball,
            colour,
            start_offset=(0, 0, 0.012 * h),
            end_offset=(0, 0, 0.014 * h),
        ),
        Part(
            f"{side}_toe",
            middle,
            _at(f"{side}_toe"),
            foot,
            ball,
            toe,
            colour,
            start_offset=(0, 0, 0.014 * h),
            end_offset=(0, 0, 0.004 * h),
        ),
    ]


def _trunk(body: Body, outfit: Outfit) -> list[Part]:
    h, girth, belly = body.height, body.girth, body.belly
    top, below = CLOTH[outfit.top_colour], CLOTH[outfit.bottom_colour]
    loose = {"t-shirt": 1.04, "shirt": 1.05, "jacket": 1.16, "coat": 1.18, "hoodie": 1.15}[outfit.top]
    hips = ((0.5 * body.hips + 0.052 * h * girth) * 1.02, 0.068 * h * girth)
    waist = (0.083 * h * girth * belly * loose, 0.062 * h * girth * belly * loose)
    chest = (0.43 * body.shoulders * loose, 0.068 * h * girth * loose)
    shoulder = (0.46 * body.shoulders * loose**0.5, 0.048 * h * girth * loose)
    collar = (0.17 * body.shoulders, 0.038 * h)
    dressed = outfit.bottom in ("dress",)
    parts = [
        Part(
            "pelvis",
            _at("pelvis"),
            ("pelvis", "waist", 0.9),
            "pelvis",
            (hips[0], hips[1]),
            waist,
            top if dressed else below,
            0.15,
            start_offset=(0, 0, -0.035 * h),
        ),
        Part(
            "belly",
            ("pelvis", "waist", 0.45),
            ("waist", "chest", 0.5),
            "pelvis",
            (max(waist[0], hips[0] * 0.97), waist[1] * 1.04),
            ((waist[0] + chest[0]) / 2, (waist[1] + chest[1]) / 2),
            top,
            0.0,
            0.02,
            end_frame="chest",
        ),
        Part(
            "chest",
            ("waist", "chest", 0.4),
            _at("chest"),
            "chest",
            ((waist[0] + chest[0]) / 2, (waist[1] + chest[1]) / 2),
            chest,
            top,
            0.0,
            0.02,
        ),
        Part("shoulders", _at("chest"), ("chest", "neck", 0.52), "chest", chest, shoulder, top, 0.25, 0.02),
        Part(
            "collar",
            ("chest", "neck", 0.45),
            ("chest", "neck", 1.0),
            "chest",
            (shoulder[0] * 0.82, shoulder[1]),
            collar,
            top,
            0.25,
            0.02,
        ),
        Part(
            "neck",
            ("chest", "neck", 0.85),
            ("neck", "head", 0.6),
            "chest",
            (0.031 * h, 0.033 * h),
            (0.029 * h, 0.032 * h),
            body.skin,
            0.3,
            0.0,
        ),
    ]
    printed = ("belly", "chest", "shoulders")
    colour = CLOTH[outfit.pattern_colour]
    parts = [replace(p, pattern=outfit.pattern, pattern_colour=colour) if p.name in printed else p for p in parts]
    return parts + _flare(body, outfit, hips, waist, loose)


def _flare(body: Body, outfit: Outfit, hips: Size, waist: Size, loose: float) -> list[Part]:
    """Skirts, dresses and the skirts of coats: a cone that follows the knees."""
    h = body.height
    if outfit.bottom in ("skirt", "dress"):
        colour = CLOTH[outfit.top_colour if outfit.bottom == "dress" else outfit.bottom_colour]
        hem = 0.95
    elif outfit.top in ("coat", "hoodie", "jacket"):
        colour = CLOTH[outfit.top_colour]
        hem = 0.72 if outfit.top == "coat" else 0.12
    else:
        return []
    width = (hips[0] * (1.05 + 0.28 * hem) * loose**0.3, hips[1] * (1.2 + 0.7 * hem))
    patterned = outfit.bottom != "skirt"
    pattern = outfit.pattern if patterned else "plain"
    parts = []
    for side in ("l", "r"):
        sign = 1.0 if side == "l" else -1.0
        reach = (width[0] * 0.74, width[1])
        parts.append(
            Part(
                f"{side}_flare",
                ("pelvis", "waist", 0.3),
                (f"{side}_hip", f"{side}_knee", hem),
                "pelvis",
                (hips[0] * 0.8, hips[1] * 1.05),
                reach,
                colour,
                0.0,
                0.03,
                start_offset=(0, sign * 0.012 * h, 0),
                end_offset=(0, -sign * 0.018 * h, 0),
                pattern=pattern,
                pattern_colour=CLOTH[outfit.pattern_colour],
            )
        )
    return parts


def _arms(body: Body, outfit: Outfit) -> list[Part]:
    h, girth = body.height, body.girth
    top, skin = CLOTH[outfit.top_colour], body.skin
    short = outfit.top == "t-shirt"
    slack = {"t-shirt": 1.08, "shirt": 1.08, "jacket": 1.17, "coat": 1.2, "hoodie": 1.18}[outfit.top]
    upper, elbow, wrist = 0.029 * h * girth * body.muscle**0.5, 0.022 * h * girth**0.5, 0.0155 * h
    parts = []
    for side in ("l", "r"):
        s, e, w, hand = (f"{side}_{name}" for name in ("shoulder", "elbow", "wrist", "hand"))
        sleeve = 1.0 if short else slack
        parts += [
            Part(
                f"{side}_upper_arm",
                _at(s),
                _at(e),
                "chest",
                (upper * (1.0 if short else slack),) * 2,
                (elbow * sleeve,) * 2,
                skin if short else top,
            ),
            Part(
                f"{side}_forearm",
                _at(e),
                _at(w),
                "chest",
                (elbow * sleeve,) * 2,
                (wrist * (1.0 if short else slack * 1.05),) * 2,
                skin if short else top,
                0.6,
            ),
            Part(f"{side}_palm", _at(w), _at(hand), "chest", (0.0165 * h,) * 2, (0.019 * h,) * 2, skin),
        ]
        if short:
            parts.append(
                Part(
                    f"{side}_sleeve",
                    _at(s),
                    (s, e, 0.55),
                    "chest",
                    (upper * 1.18,) * 2,
                    (upper * 1.2,) * 2,
                    top,
                    0.4,
                    0.012,
                )
            )
    return parts


def _bag(body: Body, outfit: Outfit) -> list[Part]:
    h, colour = body.height, CLOTH[outfit.bag_colour]
    if outfit.bag == "backpack":
        depth = -0.075 * h * body.girth - 0.05
        return [
            Part(
                "bag",
                _at("waist"),
                _at("chest"),
                "chest",
                (0.085 * h, 0.055 * h),
                (0.075 * h, 0.045 * h),
                colour,
                0.3,
                0.0,
                start_offset=(depth, 0, 0.02 * h),
                end_offset=(depth, 0, 0.03 * h),
            ),
            *(
                Part(
                    f"{side}_strap",
                    _at("chest"),
                    ("waist", "chest", 0.35),
                    "chest",
                    (0.010 * h,) * 2,
                    (0.010 * h,) * 2,
                    colour,
                    0.3,
                    0.05,
                    start_offset=(0.065 * h * body.girth, sign * 0.048 * h, 0.05 * h),
                    end_offset=(0.06 * h * body.girth, sign * 0.056 * h, 0),
                )
                for side, sign in (("l", 1.0), ("r", -1.0))
            ),
        ]
    if outfit.bag == "shoulder bag":
        side = -0.5 * body.hips - 0.075 * h
        return [
            Part(
                "bag",
                _at("pelvis"),
                _at("pelvis"),
                "pelvis",
                (0.035 * h, 0.085 * h),
                (0.03 * h, 0.075 * h),
                colour,
                0.15,
                0.02,
                start_offset=(-0.01 * h, side, -0.05 * h),
                end_offset=(-0.01 * h, side, 0.07 * h),
            ),
            Part(
                "strap",
                ("pelvis", "waist", 0.3),
                _at("l_shoulder"),
                "chest",
                (0.008 * h,) * 2,
                (0.008 * h,) * 2,
                colour,
                0.3,
                0.1,
                start_offset=(0.02 * h, side * 0.95, 0.02 * h),
                end_offset=(0.03 * h, -0.05 * h, 0.03 * h),
            ),
        ]
    if outfit.bag == "suitcase":
        return [
            Part(
                "bag",
                _at("r_hand"),
                _at("r_hand"),
                "yaw",
                (0.05 * h, 0.12 * h),
                (0.05 * h, 0.12 * h),
                colour,
                0.06,
                0.0,
                start_offset=(0, 0, -0.22 * h),
                end_offset=(0, 0, -0.06 * h),
            ),
            Part(
                "strap",
                _at("r_hand"),
                _at("r_hand"),
                "yaw",
                (0.01 * h, 0.035 * h),
                (0.012 * h, 0.04 * h),
                (50, 50, 52),
                0.3,
                0.0,
                start_offset=(0, 0, -0.06 * h),
                end_offset=(0, 0, 0.005 * h),
            ),
        ]
    return []
