"""Finds people in every frame."""

from __future__ import annotations

from onlooker.analysis.stage import Context, Inputs, Output, State, register
from onlooker.analysis.tables import detections_table
from onlooker.methods.detection import load_detector


@register
class Detect:
    name = "detect"
    needs = ()
    gives = ("detections",)

    def __init__(self, context: Context) -> None:
        self._context = context
        self._detector = load_detector(context.options.detector)

    def start(self) -> State:
        return self._detector.init_state(self._context.width, self._context.height)

    def run(self, inputs: Inputs, state: State) -> tuple[Output, State]:
        clip = inputs.clip
        found, state = self._detector.run(clip.images, clip.times, state)
        table = detections_table(self._context.video, clip, found, self._detector.source)
        return Output({"detections": found}, {"detections": table}), state
