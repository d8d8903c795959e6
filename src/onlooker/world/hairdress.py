"""A head with its hair as parts; face and hair cap are painted by `face`."""

from __future__ import annotations

from dataclasses import dataclass

from onlooker.world.body import HAIRS, Body
from onlooker.world.parts import Part

_HEAD = ("head", "head", 0.0)


@dataclass(frozen=True)
class _Hair:
    """Radii and offsets of a strand, in heads; see `Part`."""

    start: tuple[float, float]
    end: tuple[float, float]
    round: float
    bias: float
    start_offset: tuple[float, float]
    end_offset: tuple[float, float]


_STYLES = {
    "long": _Hair((0.36, 0.22), (0.32, 0.12), 0.5, -0.03, (-0.13, 0.1), (-0.234, -0.95)),
    "bob": _Hair((0.38, 0.27), (0.37, 0.22), 0.4, -0.03, (-0.13, 0.1), (-0.156, -0.38)),
    "ponytail": _Hair((0.10, 0.10), (0.05, 0.05), 1.0, -0.03, (-0.46, 0.2), (-0.56, -0.6)),
    "bun": _Hair((0.15, 0.15), (0.15, 0.15), 1.0, -0.03, (-0.44, 0.30), (-0.46, 0.34)),
    "afro": _Hair((0.5, 0.5), (0.46, 0.46), 0.9, -0.06, (-0.12, 0.0), (-0.1, 0.26)),
}


def head_parts(body: Body) -> list[Part]:
    """The skull, and the hair that hangs from it or stands off it."""
    size = body.head
    bald = body.hair_style == "bald"
    jaw, full = 0.27 * size * body.face[5] ** 0.5, 1.0 if bald else 1.05
    skull = Part(
        "head",
        _HEAD,
        _HEAD,
        "head",
        (jaw, 0.34 * size),
        (0.335 * size * full, 0.40 * size * full),
        body.skin if bald else HAIRS[body.hair_colour],
        0.8,
        0.01,
        start_offset=(0.02 * size, 0, -0.27 * size),
        end_offset=(-0.03 * size, 0, 0.2 * size),
    )
    style = _STYLES.get(body.hair_style)
    return [skull] if style is None else [skull, _strand(style, size, HAIRS[body.hair_colour])]


def _strand(hair: _Hair, size: float, colour: tuple[int, int, int]) -> Part:
    def scaled(pair: tuple[float, float]) -> tuple[float, float]:
        return pair[0] * size, pair[1] * size

    (x, z), (u, w) = scaled(hair.start_offset), scaled(hair.end_offset)
    return Part(
        "hair",
        _HEAD,
        _HEAD,
        "head",
        scaled(hair.start),
        scaled(hair.end),
        colour,
        hair.round,
        hair.bias,
        start_offset=(x, 0, z),
        end_offset=(u, 0, w),
    )
