"""Samples of any format as a source of clips."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from onlooker.data.media import Opened
from onlooker.data.samples import Listing, Sample
from onlooker.errors import ConfigError, LimitExceeded, MediaError
from onlooker.video.sampling import Interval, constant_clips, random_clips
from onlooker.weights.inputs import InputSpec


class VideoClips:
    """Clips of listed samples. One that cannot be read raises MediaError; nothing is replaced in silence.

    Raises RecordError for a listing with faults.
    """

    def __init__(self, listing: Listing) -> None:
        self.listing = listing.checked()
        self.samples = self.listing.samples

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the labels, in order."""
        return self.listing.classes

    @property
    def multi_label(self) -> bool:
        """Whether a sample may have none or several labels."""
        return self.listing.multi_label

    def __len__(self) -> int:
        return len(self.samples)

    def label(self, index: int) -> int:
        """The class of a sample. Raises ConfigError where it has none or several."""
        labels = self.samples[index].labels
        if len(labels) != 1:
            raise ConfigError(
                f"{self.samples[index].where}: {len(labels)} labels where one is needed: "
                "train such data with objective: multi_label."
            )
        return labels[0]

    def labels(self, index: int) -> tuple[int, ...]:
        """All classes of a sample."""
        return self.samples[index].labels

    def name(self, index: int) -> str:
        """The pictures, and the part of them where the list gives one."""
        return self.samples[index].name

    def random_clip(self, index: int, spec: InputSpec, draw: int) -> NDArray[np.uint8]:
        """With sampling by stride a window of `spec.seconds` from anywhere, with segments all of the sample; a random
        moment of each of `spec.frames` equal parts of it in the second case, the middles in the first."""
        sample = self.samples[index]
        rng = np.random.default_rng(draw)
        with _opened(sample) as opened:
            start, end = _extent(sample, opened)
            if spec.sampling == "segments" or end - start <= spec.seconds:
                window, generator = Interval(0.0, end - start), rng if spec.sampling == "segments" else None
            else:
                window, generator = random_clips(end - start, spec.seconds, 1, generator=rng)[0], None
            return _read(opened, start + window.start, min(start + window.end, end), spec, generator)

    def clips(self, index: int, spec: InputSpec, count: int) -> list[NDArray[np.uint8]]:
        """Windows of `spec.seconds`, or `count` times all of the sample with segments (whose frames are then equal)."""
        sample = self.samples[index]
        with _opened(sample) as opened:
            start, end = _extent(sample, opened)
            length = end - start
            if spec.sampling == "segments" or length <= spec.seconds:
                windows = [Interval(0.0, length)]
            elif count == 1:
                middle = (length - spec.seconds) / 2
                windows = [Interval(middle, middle + spec.seconds)]
            else:
                windows = constant_clips(length, spec.seconds, count)
            return [_read(opened, start + one.start, min(start + one.end, end), spec, None) for one in windows]


@contextmanager
def _opened(sample: Sample) -> Iterator[Opened]:
    """The sample's pictures; what goes wrong while they are read is told with the place in the list."""
    try:
        with sample.media.open() as opened:
            yield opened
    except LimitExceeded as error:
        # a loader's worker cannot hand its further arguments over
        raise MediaError(f"{sample.where}: {error}") from error
    except MediaError as error:
        error.args = (f"{sample.where}: {error}",)
        raise


def _extent(sample: Sample, opened: Opened) -> tuple[float, float]:
    last = opened.duration
    if sample.start >= last:
        raise MediaError(f"the part from {sample.start:g} s on lies behind the end of {sample.media}, {last:.3f} s.")
    return sample.start, last if sample.end is None else min(sample.end, last)


def _read(
    opened: Opened, start: float, end: float, spec: InputSpec, generator: np.random.Generator | None
) -> NDArray[np.uint8]:
    return opened.clip(start, end, frames=spec.frames, size=spec.short_side, generator=generator)
