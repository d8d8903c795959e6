"""The weights that come with Onlooker."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from onlooker.methods.detection.small_people.model import SmallPeople
from onlooker.methods.loading import load
from onlooker.storage import sha256_of

WEIGHTS = Path(__file__).with_name("people.safetensors")
CARD = Path(__file__).with_name("people.json")


@cache
def load_shipped() -> tuple[SmallPeople, str]:
    """The trained network ready to detect, and the first digits of its weights' SHA-256. Loaded once a process.

    Errors: IncompatibleCheckpoint, UnsafeCheckpoint when the file was changed.
    """
    model: SmallPeople = load("small_people", weights=WEIGHTS)
    return model.fused(), sha256_of(WEIGHTS)[:8]
