"""What a person wears and carries, from an outfit seed of its own: clothes change while the identity stays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from onlooker.world.body import Body, Colour
from onlooker.world.seeds import generator

CLOTH: dict[str, Colour] = {
    "black": (38, 38, 42),
    "white": (232, 230, 224),
    "grey": (128, 130, 134),
    "red": (188, 40, 44),
    "dark red": (112, 28, 36),
    "orange": (222, 120, 40),
    "yellow": (226, 196, 60),
    "green": (58, 128, 66),
    "olive": (98, 102, 58),
    "teal": (36, 124, 126),
    "blue": (48, 84, 170),
    "light blue": (126, 170, 214),
    "navy": (32, 42, 82),
    "purple": (110, 62, 140),
    "pink": (226, 140, 168),
    "brown": (112, 78, 52),
    "beige": (204, 184, 150),
}
TROUSERS = ("black", "navy", "grey", "blue", "brown", "beige", "olive", "black", "navy")
SHOES = ("black", "white", "brown", "grey", "red")
PATTERNS = ("plain", "stripes", "hoops", "checks", "dots", "print")
TOPS = ("t-shirt", "shirt", "jacket", "coat", "hoodie")
BOTTOMS = ("trousers", "shorts", "skirt", "dress")
BAGS = ("none", "backpack", "shoulder bag", "suitcase")
HATS = ("none", "cap", "beanie", "sun hat")


@dataclass(frozen=True, slots=True)
class Outfit:
    """Names of garments and of their colours (keys of `CLOTH`); `bag` and `hat` may be "none"."""

    seed: int
    top: str
    top_colour: str
    pattern: str
    pattern_colour: str
    bottom: str
    bottom_colour: str
    shoe_colour: str
    hat: str
    hat_colour: str
    glasses: str  # none, glasses, sunglasses
    mask: bool
    bag: str
    bag_colour: str

    def describe(self) -> str:
        """A noun phrase, as in "a red striped jacket and blue trousers"."""
        figure = {"plain": "", "print": ""}.get(
            self.pattern, {"stripes": " striped", "hoops": " hooped"}.get(self.pattern, "")
        )
        if self.pattern in ("checks", "dots"):
            figure = " checked" if self.pattern == "checks" else " dotted"
        if self.bottom == "dress":
            return f"{article(self.top_colour)} {self.top_colour}{figure} dress"
        below = f"{self.bottom_colour} {self.bottom}"
        if self.bottom == "skirt":
            below = f"{article(below)} {below}"
        return f"{article(self.top_colour)} {self.top_colour}{figure} {self.top} and {below}"


def article(noun: str) -> str:
    """The indefinite article for a word.

    >>> article("orange"), article("red")
    ('an', 'a')
    """
    return "an" if noun[:1] in "aeiou" else "a"


def make_outfit(body: Body, seed: int, *, bags: bool = True) -> Outfit:
    """The outfit that belongs to a seed, cut for a body (the cut knows the body's kind, never its identity's looks)."""
    rng = generator(seed, "outfit", body.kind)

    def pick(names: tuple[str, ...], weights: tuple[float, ...] | None = None) -> str:
        share = None if weights is None else np.asarray(weights) / sum(weights)
        return names[int(rng.choice(len(names), p=share))]

    skirts = (0.55, 0.1, 0.2, 0.15) if body.gender == "woman" else (0.84, 0.16, 0, 0)
    bottom = pick(BOTTOMS, skirts) if body.kind != "baby" else "trousers"
    top_colour = pick(tuple(CLOTH))
    bottom_colour = pick(TROUSERS) if bottom == "trousers" else pick(tuple(CLOTH))
    top = "t-shirt" if bottom == "dress" else pick(TOPS, (0.24, 0.24, 0.24, 0.12, 0.16))
    if body.kind == "baby":
        top, bottom_colour = "shirt", top_colour
    return Outfit(
        seed=seed,
        top=top,
        top_colour=top_colour,
        pattern=pick(PATTERNS, (0.5, 0.13, 0.13, 0.09, 0.07, 0.08)),
        pattern_colour=pick(tuple(name for name in CLOTH if name != top_colour)),
        bottom=bottom,
        bottom_colour=bottom_colour,
        shoe_colour=pick(SHOES),
        hat=pick(HATS, (0.74, 0.12, 0.08, 0.06)) if body.kind != "baby" else "none",
        hat_colour=pick(tuple(CLOTH)),
        glasses=pick(("none", "glasses", "sunglasses"), (0.76, 0.17, 0.07)) if body.kind == "adult" else "none",
        mask=bool(rng.random() < 0.06) and body.kind == "adult",
        bag=pick(BAGS, (0.6, 0.2, 0.15, 0.05)) if bags and body.kind == "adult" else "none",
        bag_colour=pick(tuple(CLOTH)),
    )
