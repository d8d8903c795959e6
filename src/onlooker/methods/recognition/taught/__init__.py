"""Actions that a user taught from a handful of examples, on the features of any other recognition method."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onlooker.methods.recognition.taught.config import TINY, VARIANTS, Config
from onlooker.methods.registry import Method, lazy_exports, register

if TYPE_CHECKING:
    from onlooker.methods.recognition.taught.lesson import Lesson, learn
    from onlooker.methods.recognition.taught.model import Taught

register(
    Method(
        name="taught",
        package=__name__,
        title="Taught actions",
        summary="User-named actions by cosines to their examples on another method's features, with an unknown class",
        paper="none",
        variants=tuple(VARIANTS),
        code_licence="Apache-2.0",
        weights_licence="that of the backbone",
    )
)
__getattr__ = lazy_exports(__name__, {"Taught": "model", "Lesson": "lesson", "learn": "lesson"})

__all__ = ["TINY", "VARIANTS", "Config", "Lesson", "Taught", "learn"]
