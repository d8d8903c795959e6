"""What can be chosen about an analysis; every field has a default that works with nothing downloaded."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from onlooker.errors import ConfigError
from onlooker.events import parse_rules
from onlooker.methods.recognition.recogniser import check_request, is_file


class Options(BaseModel):
    """Settings of `analyze`. Times are seconds of media time.

    >>> Options(detector="none").tracker
    'default'
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    detector: str = Field("embedded", description='"embedded", "none", a local folder or hf://org/name')
    tracker: str = Field("default", description='"default" or "none"')
    stages: tuple[str, ...] | None = Field(None, description="stages to run with what they need; all by default")
    start: float = Field(0.0, ge=0, description="where to begin, in seconds")
    end: float | None = Field(None, gt=0, description="where to stop, in seconds; the end of the file by default")
    on_corrupt: Literal["raise", "skip", "hold_last"] = Field(
        "hold_last", description="what stands in for frames that do not decode"
    )
    max_bad_ratio: float = Field(0.5, gt=0, le=1, description="give up when more than this part of the frames is bad")
    rules: dict[str, Any] | None = Field(None, description="zones, lines and things, as a rules file says them")
    actions: str | None = Field(None, description="weights of a clip classifier (.safetensors, hf://), or a method")
    actions_weights: str | None = Field(None, description="its weights, where actions names a method")
    actions_window: float | None = Field(None, gt=0, description="seconds seen at once; as trained by default")
    actions_step: float | None = Field(None, gt=0, description="seconds between answers; half a window by default")
    actions_min_score: float = Field(0.3, ge=0, le=1, description="what scores less is no segment")
    annotate: bool = Field(True, description="write annotated.mp4")
    report: bool = Field(True, description="write report.html")
    blur: Literal["none", "faces", "people"] = Field("none", description="hidden in everything that is written")

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> Options:
        """Options from plain values. Errors: ConfigError for unknown keys (naming the nearest) and wrong types."""
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            raise ConfigError("; ".join(_explain(item) for item in error.errors())) from None

    def check(self) -> None:
        """What the types alone do not say.

        Errors: ConfigError for an end before the start, faulty rules, and actions by a method without weights.
        """
        if self.end is not None and self.end <= self.start:
            raise ConfigError(f"end={self.end:g} s is not after start={self.start:g} s: give a later end.")
        if self.rules is not None:
            parse_rules(self.rules)
        if self.actions is not None:
            check_request(self.actions, self.actions_weights)
            if self.actions_weights is None and not is_file(self.actions):
                raise ConfigError(
                    f"{self.actions} comes with numbers, but knows no action by itself: teach it some with onlooker "
                    "teach, and give the file that this writes."
                )
        elif self.actions_weights is not None:
            raise ConfigError("weights were given, but not what they are for: name the method with --actions.")


def _explain(item: Any) -> str:
    key = ".".join(str(part) for part in item["loc"])
    if item["type"] != "extra_forbidden":
        return f"option {key}={item['input']!r}: {item['msg']}"
    near = difflib.get_close_matches(key, Options.model_fields, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]!r}?" if near else f"known options: {', '.join(Options.model_fields)}."
    return f"unknown option {key!r}: {hint}"
