"""Finds people in every frame."""

from __future__ import annotations

from collections.abc import Mapping

from onlooker.analysis.stage import Context, Inputs, Output, Stage, State, register
from onlooker.analysis.tables import detections_table, inside
from onlooker.methods.detection import load_detector

LICENCES = {
    "embedded": "embedded, low accuracy; OpenCV: Apache-2.0, its cascades: Intel License Agreement (BSD-like)",
    "none": "finds nobody",
}


@register
class Detect(Stage):
    name = "detect"
    gives = ("detections",)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._detector = load_detector(context.options.detector)

    @property
    def licences(self) -> Mapping[str, str]:
        licence = LICENCES.get(self.context.options.detector, "see the card of the checkpoint")
        return {self._detector.source: licence}

    def start(self) -> State:
        return self._detector.init_state(self.context.width, self.context.height)

    def run(self, inputs: Inputs, state: State) -> tuple[Output, State]:
        clip = inputs.clip
        found, state = self._detector.run(clip.images, clip.times, state)
        found = [inside(frame, self.context.width, self.context.height) for frame in found]
        table = detections_table(self.context.video, clip, found, self._detector.source)
        return Output({"detections": found}, {"detections": table}), state
