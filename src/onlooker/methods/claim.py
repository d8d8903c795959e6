"""What a method's proof is about: which score must beat which, and what the paper says of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Claim:
    """`mechanism` and `baseline` are keys of the scores that the proof's `run(seed, device)` gives; higher is better.

    `text` says in a sentence what is compared on what, `paper` where the paper shows the same direction. `seeds` is how
    many the experiment needs to tell its gain from chance; it is fixed before the proof is run, on other seeds.
    """

    mechanism: str
    baseline: str
    text: str
    paper: str
    seeds: int = 3
