"""Stretches in which the picture can't be trusted: damaged, missing, black, frozen."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from onlooker.analysis.stage import Inputs, Output, Stage, State, register
from onlooker.analysis.tables import rows_table

SOURCE = "picture_quality/default@none"
DECODER_LABELS = {1: "concealed", 2: "missing"}
BLACK_LEVEL = 20  # of 255; studio black is 16 and compression adds a little
FROZEN_SECONDS = 2.0


@register
class Quality(Stage):
    """Gives segments without a track: concealed, missing, black (of any length) and frozen (two seconds or more)."""

    name = "quality"
    gives = ("quality",)

    def start(self) -> State:
        return {"open": {}, "last": None}

    def run(self, inputs: Inputs, state: State) -> tuple[Output, State]:
        clip, rows = inputs.clip, []
        still = dict(state["open"])
        last = state["last"]
        for image, time, duration, status in zip(clip.images, clip.times, clip.durations, clip.status, strict=True):
            small = _thumbnail(image)
            flags = {label for code, label in DECODER_LABELS.items() if status == code}
            if small.max() <= BLACK_LEVEL:
                flags.add("black")
            if last is not None and status == 0 and np.array_equal(small, last):
                flags.add("frozen")
            last = small
            end = float(time + duration)
            rows += self._close(still, {label: span for label, span in still.items() if label not in flags})
            for label in sorted(flags):
                still[label] = [still[label][0] if label in still else float(time), end]
        if inputs.last:
            rows += self._close(still, dict(still))
        return Output({"quality": rows}, {"segments": rows_table("segments", rows)}), {"open": still, "last": last}

    def _close(self, still: dict[str, list[float]], ended: dict[str, list[float]]) -> list[dict[str, object]]:
        rows = []
        for label, (start, end) in sorted(ended.items()):
            del still[label]
            if label != "frozen" or end - start >= FROZEN_SECONDS:
                rows.append(
                    {
                        "video": self.context.video,
                        "start": start,
                        "end": end,
                        "label": label,
                        "score": 1.0,
                        "source": SOURCE,
                    }
                )
        return rows


def _thumbnail(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A small copy: equal thumbnails mean equal pictures to the eye, not to the bit."""
    return np.asarray(cv2.resize(image, (64, 36), interpolation=cv2.INTER_AREA), np.uint8)
