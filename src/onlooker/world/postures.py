"""Standing, sitting, crouching, lying, and the ways between them."""

from __future__ import annotations

import numpy as np

from onlooker.world.geometry import Floats, smoothstep
from onlooker.world.motions import Motion, Style, Values, backwards

_QUARTER = np.pi / 2
SIT: dict[str, float] = {
    **{"pitch": -0.06, "bend": 0.12, "plant": 1.0, "roll": 0.0, "lean": 0.0},
    **{
        "l_hip": 1.42,
        "l_knee": 1.45,
        "l_spread": 0.10,
        "l_ankle": 0.03,
        "l_flex": 0.42,
        "l_elbow": 0.95,
        "l_abduct": 0.10,
    },
    **{
        "r_hip": 1.42,
        "r_knee": 1.45,
        "r_spread": 0.10,
        "r_ankle": 0.03,
        "r_flex": 0.42,
        "r_elbow": 0.95,
        "r_abduct": 0.10,
    },
}
CROUCH: dict[str, float] = {
    **{"pitch": 0.42, "bend": 0.25, "plant": 1.0, "nod": -0.35},
    **{"l_hip": 2.15, "l_knee": 2.35, "l_ankle": -0.62, "l_spread": 0.18, "l_flex": 0.75, "l_elbow": 0.75},
    **{"r_hip": 2.05, "r_knee": 2.30, "r_ankle": -0.62, "r_spread": 0.18, "r_flex": 0.75, "r_elbow": 0.75},
}
LIE: dict[str, float] = {
    **{"pitch": -_QUARTER, "spin": 0.0, "roll": 0.0, "bend": 0.0, "lean": 0.0, "nod": 0.15, "plant": 0.0},
    **{
        "l_hip": 0.05,
        "l_knee": 0.12,
        "l_spread": 0.12,
        "l_ankle": 0.5,
        "l_flex": 0.05,
        "l_elbow": 0.25,
        "l_abduct": 0.35,
    },
    **{
        "r_hip": 0.12,
        "r_knee": 0.25,
        "r_spread": 0.12,
        "r_ankle": 0.5,
        "r_flex": 0.05,
        "r_elbow": 0.25,
        "r_abduct": 0.35,
    },
}
PRONE: dict[str, float] = LIE | {
    "spin": np.pi,
    **{"l_flex": -0.05, "l_elbow": 0.02, "l_abduct": 0.7, "l_hip": 0.0, "l_knee": 0.02, "l_ankle": 1.35},
    **{"r_flex": -0.05, "r_elbow": 0.02, "r_abduct": 0.5, "r_hip": 0.0, "r_knee": 0.04, "r_ankle": 1.35},
    "nod": -0.1,
}


def hold(posture: dict[str, float]) -> Motion:
    """Stay in a posture."""

    def motion(u: Floats, cycles: float, style: Style) -> tuple[Values, Floats]:
        return {name: np.full_like(u, value) for name, value in posture.items()}, np.ones_like(u)

    return motion


def _toward(posture: dict[str, float], share: Floats) -> Values:
    return {name: value * share for name, value in posture.items()}


def sit_down(u: Floats, cycles: float, style: Style) -> tuple[Values, Floats]:
    """Standing to sitting: the trunk leans over the feet while the hips sink."""
    sink = smoothstep((u - 0.06) / 0.84)
    lean = np.sin(np.pi * smoothstep(u)) * 0.55 * style.size
    values = _toward(SIT, sink)
    values["pitch"] = values["pitch"] + lean
    values["nod"] = -0.5 * lean
    for side in "lr":
        values[f"{side}_hip"] = values[f"{side}_hip"] + lean
    return values, smoothstep(u / 0.12)


def crouch_down(u: Floats, cycles: float, style: Style) -> tuple[Values, Floats]:
    """Standing to crouching."""
    return _toward(CROUCH, smoothstep(u)), smoothstep(u / 0.12)


def crouch(u: Floats, cycles: float, style: Style) -> tuple[Values, Floats]:
    """Down, stay, and up again."""
    share = smoothstep(u / 0.3) * smoothstep((1 - u) / 0.3)
    return _toward(CROUCH, share), smoothstep(u / 0.06) * smoothstep((1 - u) / 0.06)


def lie_down(u: Floats, cycles: float, style: Style) -> tuple[Values, Floats]:
    """Standing, crouching, sitting on the floor, lying on the back."""
    down = smoothstep(u / 0.5)
    back = smoothstep((u - 0.42) / 0.58)
    fold = down * (1 - back)
    values = _toward(LIE, back)
    values["plant"] = fold * 0.5
    values["pitch"] = values["pitch"] + 0.25 * fold
    values["bend"] = values["bend"] + 0.45 * fold
    for side, more in (("l", 0.1), ("r", 0.0)):
        values[f"{side}_hip"] = values[f"{side}_hip"] + (1.9 + more) * fold
        values[f"{side}_knee"] = values[f"{side}_knee"] + (2.1 - more) * fold
        values[f"{side}_ankle"] = values[f"{side}_ankle"] - 0.3 * fold
        values[f"{side}_flex"] = values[f"{side}_flex"] - 0.5 * fold
        values[f"{side}_elbow"] = values[f"{side}_elbow"] + 0.3 * fold
    return values, smoothstep(u / 0.1)


def fall(u: Floats, cycles: float, style: Style) -> tuple[Values, Floats]:
    """The knees give way and the body tips over faster and faster, ending on the back; the arms fly out."""
    tip = np.clip(u / 0.8, 0, 1) ** 2.2
    tip = tip + 0.02 * np.sin(np.pi * np.clip((u - 0.8) / 0.2, 0, 1))
    give = np.sin(np.pi * np.clip(u / 0.9, 0, 1))
    values = _toward(LIE, np.clip(tip, 0, 1))
    values["roll"] = 0.25 * give * (1 if style.hand == "l" else -1)
    for side in "lr":
        values[f"{side}_knee"] = values[f"{side}_knee"] + 0.9 * give
        values[f"{side}_hip"] = values[f"{side}_hip"] + 0.5 * give
        values[f"{side}_abduct"] = values[f"{side}_abduct"] + 1.1 * give
        values[f"{side}_flex"] = values[f"{side}_flex"] + 0.9 * give
    values["mouth"] = 0.9 * give
    return values, smoothstep(u / 0.08)


def roll_over(u: Floats, cycles: float, style: Style) -> tuple[Values, Floats]:
    """From the back onto the front, one knee and one arm leading."""
    turn = smoothstep(u)
    lead = np.sin(np.pi * turn)
    values = {name: value + (PRONE[name] - value) * turn for name, value in LIE.items()}
    values[f"{style.hand}_hip"] = values[f"{style.hand}_hip"] + 0.9 * lead
    values[f"{style.hand}_knee"] = values[f"{style.hand}_knee"] + 1.3 * lead
    values[f"{style.hand}_flex"] = values[f"{style.hand}_flex"] + 1.2 * lead
    return values, np.ones_like(u)


def kick(u: Floats, cycles: float, style: Style) -> tuple[Values, Floats]:
    """Lying on the back, legs and arms kicking, as babies do."""
    beat = 2 * np.pi * (0.6 * cycles * u + style.phase)
    values = {name: np.full_like(u, value) for name, value in LIE.items()}
    for side, shift in (("l", 0.0), ("r", 2.0)):
        values[f"{side}_hip"] = 0.8 + 0.6 * np.sin(beat + shift)
        values[f"{side}_knee"] = 1.2 + 0.6 * np.sin(beat + shift + 0.6)
        values[f"{side}_flex"] = 1.1 + 0.6 * np.sin(beat * 0.8 + shift)
        values[f"{side}_elbow"] = 0.9 + 0.4 * np.sin(beat * 0.7 + shift)
    return values, np.ones_like(u)


POSTURES: dict[str, Motion] = {
    "sit_down": sit_down,
    "stand_up": backwards(sit_down),
    "sit": hold(SIT),
    "crouch": crouch,
    "lie_down": lie_down,
    "get_up": backwards(lie_down),
    "lie": hold(LIE),
    "lie_prone": hold(PRONE),
    "fall": fall,
    "roll_over": roll_over,
    "roll_back": backwards(roll_over),
    "kick": kick,
}
