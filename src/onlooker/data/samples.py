"""What every list of labelled video comes down to: samples, their classes, and what is wrong with the list."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from onlooker.data.faults import raise_faults
from onlooker.data.media import Media


@dataclass(frozen=True, slots=True)
class Sample:
    """One labelled stretch of video.

    `media` holds the pictures; the stretch is [`start`, `end`) in seconds, None for the end of the video. `labels` are
    numbers of classes, one or several. `where` is the place in the list, `file:line`. `video` names the recording that
    the stretch is part of (two splits must not share one), `group` what belongs together beyond that, such as the
    person or the film. `frames` is how many frames the list says there are, 0 where it says nothing.
    """

    media: Media
    labels: tuple[int, ...]
    where: str
    start: float = 0.0
    end: float | None = None
    video: str = ""
    group: str = ""
    frames: int = 0

    @property
    def path(self) -> Path:
        """The file or folder that holds the pictures."""
        return self.media.path

    @property
    def name(self) -> str:
        """The pictures, and the part of them where the list gives one."""
        part = f"#{self.start:g}-{self.end:g}" if self.end is not None else ""
        return f"{self.media}{part}"


@dataclass(frozen=True, slots=True)
class Listing:
    """What a reader found: samples in the order of the list, and every fault and doubt as `file:line: what`.

    `classes` are the labels' names in order. With `multi_label` a sample may have none or several. With
    `disjoint_groups` the format promises that no group is in two splits, with `repeats` it may name one part of a
    video several times.
    """

    samples: tuple[Sample, ...]
    classes: tuple[str, ...]
    faults: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    multi_label: bool = False
    disjoint_groups: bool = False
    repeats: bool = False

    def checked(self) -> Listing:
        """The same without faults. Raises RecordError that lists them all."""
        raise_faults(list(self.faults))
        return replace(self, faults=())
