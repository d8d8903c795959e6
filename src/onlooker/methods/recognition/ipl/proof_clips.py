"""First-person clips for the experiment: a hand moves one of several objects while the camera sways.

Four objects of four kinds stand in the four quarters of the picture. The active one has a hand below it and performs
the verb; the others only drift with the picture, as does the blotchy ground. There are eight kinds; each looks another
way when it is turned, so that turning shows.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

VERBS = ("shake", "nod", "turn", "grow")
STILL = len(VERBS)
FRAMES, SIZE, SIDE = 8, 32, 9
OTHERS = 3
NOISE, GROUND, SWAY, REACH = 0.15, 0.2, 1.5, 3.0
OBJECT, HAND = torch.tensor([0.9, 0.9, 0.9]), torch.tensor([1.0, 0.5, 0.3])
_KINDS = {
    "horseshoe": "##.....## ##.....## ##.....## ##.....## ##.....## ##.....## ###...### .#######. ..#####..",
    "plus": "...###... ...###... ...###... ######### ######### ######### ...###... ...###... ...###...",
    "half": "......... ......... ######### ######### ######### ######### .#######. .#######. ...###...",
    "bars": "##.##.##. ##.##.##. ##.##.##. ##.##.##. ##.##.##. ##.##.##. ##.##.##. ##.##.##. ##.##.##.",
    "corner": "###...... ###...... ###...... ###...... ###...... ###...... ######### ######### #########",
    "checker": "###...### ###...### ###...### ...###... ...###... ...###... ###...### ###...### ###...###",
    "wedge": "#........ ##....... ###...... ####..... #####.... ######... #######.. ########. #########",
    "dots": "###...... ###...... ###...... ......... ......... ......... ......### ......### ......###",
}
GLYPHS = torch.tensor([[[dot == "#" for dot in row] for row in rows.split()] for rows in _KINDS.values()]).float()
NOUNS = len(GLYPHS)

Clips = Float[Tensor, "clips time channel height width"]
Numbers = Int[Tensor, " clips"]
Paths = Float[Tensor, "clips time 2"]
Curves = Float[Tensor, "clips time"]


@dataclass(frozen=True, slots=True)
class Data:
    """Clips, their verbs and nouns, and where the middle of the active object is in each frame (row, column)."""

    clips: Clips
    verbs: Numbers
    nouns: Numbers
    places: Paths

    def __getitem__(self, which: slice) -> Data:
        return Data(self.clips[which], self.verbs[which], self.nouns[which], self.places[which])


def make_clips(count: int, seed: int, *, others: int = OTHERS, hand: bool = True) -> Data:
    """An active object among `others` (0 to 3) that drift; without `hand` nothing holds it.

    >>> make_clips(2, 0).clips.shape
    torch.Size([2, 8, 3, 32, 32])
    """
    return _make(count, torch.Generator().manual_seed(1_000_003 + seed), STILL, others, hand)


def make_lone_clips(count: int, seed: int) -> Data:
    """One object each and no hand, moving by one of the verbs or not at all (`STILL`): what a backbone learns first."""
    return _make(count, torch.Generator().manual_seed(2_000_003 + seed), STILL + 1, 0, False)


def _make(count: int, generator: torch.Generator, verb_count: int, others: int, hand: bool) -> Data:
    verbs = torch.randint(verb_count, (count,), generator=generator)
    nouns = torch.randint(NOUNS, (count,), generator=generator)
    time = torch.arange(FRAMES)[:, None]
    sway = SWAY * torch.sin(6.283 * (time / 16 + torch.rand(count, 1, 2, generator=generator)))
    clips = _ground(sway, generator)
    # the active object's quarter and kind first, then those of the others
    quarters = torch.rand(count, 4, generator=generator).argsort(dim=1)
    kinds = torch.rand(count, NOUNS, generator=generator).scatter(1, nouns[:, None], -1.0).argsort(dim=1)
    corners = torch.stack((quarters // 2, quarters % 2), dim=2) * (SIZE / 2)
    starts = corners + SIZE / 4 + 4 * (torch.rand(count, 4, 2, generator=generator) - 0.5)
    rest = torch.zeros(count, FRAMES), torch.ones(count, FRAMES)
    for index in range(1, 1 + others):
        _paint(clips, starts[:, index, None] + sway, *rest, GLYPHS[kinds[:, index]], OBJECT)
    offset, angle, scale = _motion(verbs, generator)
    path = starts[:, 0, None] + sway + offset
    _paint(clips, path, angle, scale, GLYPHS[nouns], OBJECT)
    if hand:
        _paint(clips, path + torch.tensor([SIDE / 2 + 1.5, 0.0]), *rest, torch.ones(count, 4, 6), HAND)
    return Data(clips, verbs, nouns, path)


def _ground(sway: Paths, generator: torch.Generator) -> Clips:
    """Coloured blotches that sway, and noise that is new in each frame."""
    margin = 4
    side = SIZE + 2 * margin
    coarse = torch.randn(len(sway), 3, side // 4, side // 4, generator=generator)
    blotches = GROUND * functional.interpolate(coarse, size=(side, side), mode="bilinear")
    pixels, shift = torch.arange(SIZE) + margin, sway.round().long()
    rows, columns = pixels - shift[..., :1], pixels - shift[..., 1:]
    who = torch.arange(len(sway))[:, None, None, None]
    # an index on either side of the slice puts the channel last
    clips = blotches[who, :, rows[..., :, None], columns[..., None, :]].permute(0, 1, 4, 2, 3).contiguous()
    return clips + NOISE * torch.randn(clips.shape, generator=generator)


def _motion(verbs: Numbers, generator: torch.Generator) -> tuple[Paths, Curves, Curves]:
    """What the verb does to an object: offset in pixels, angle in radians, scale."""
    count, time = len(verbs), torch.arange(FRAMES).float()
    phase = 6.283 * torch.rand(count, 1, generator=generator)
    sign = torch.randint(2, (count, 1), generator=generator) * 2 - 1
    swing = REACH * torch.sin(6.283 * time / 4 + phase)
    nod, shake, turn, grow = ((verbs == VERBS.index(name))[:, None] for name in ("nod", "shake", "turn", "grow"))
    offset = torch.stack((swing * nod, swing * shake), dim=2)
    return offset, (6.283 * sign * time / 8 + phase) * turn, 1 + 0.45 * torch.linspace(-1, 1, FRAMES) * grow


def _paint(
    clips: Clips, path: Paths, angle: Curves, scale: Curves, shapes: Float[Tensor, "clips h w"], colour: Tensor
) -> None:
    """A shape per clip over the picture, its middle on the path, turned, scaled and smoothed by interpolation."""
    count, height, width = shapes.shape
    pixels = torch.arange(SIZE) + 0.5
    down = (pixels - path[..., :1])[..., :, None]
    right = (pixels - path[..., 1:])[..., None, :]
    cos, sin, size = (curve[..., None, None] for curve in (angle.cos(), angle.sin(), scale))
    grid = torch.stack(
        ((cos * right + sin * down) / size * 2 / width, (cos * down - sin * right) / size * 2 / height), dim=-1
    )
    sources = shapes[:, None, None].expand(count, FRAMES, 1, height, width).flatten(0, 1)
    cover = functional.grid_sample(sources, grid.flatten(0, 1), align_corners=False).view(count, FRAMES, 1, SIZE, SIZE)
    clips.lerp_(colour[:, None, None].expand_as(clips), cover)
