"""Links detections over time and gives people who return their id back."""

from __future__ import annotations

from onlooker.analysis.stage import Context, Inputs, Output, Stage, State, register
from onlooker.analysis.tables import tracks_inside, tracks_table
from onlooker.methods.tracking import load_tracker
from onlooker.records import FrameTracks


@register
class Track(Stage):
    name = "track"
    needs = ("detections", "jumps")
    gives = ("tracks",)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._tracker = load_tracker(context.options.tracker)

    def start(self) -> State:
        return self._tracker.init_state(self.context.width, self.context.height)

    def run(self, inputs: Inputs, state: State) -> tuple[Output, State]:
        clip = inputs.clip
        found: list[FrameTracks] = []
        for image, index, time, detections in zip(
            clip.images, clip.indices, clip.times, inputs.given["detections"], strict=True
        ):
            if int(index) in inputs.given["jumps"]:
                state = self._tracker.cut(state)
            tracks, state = self._tracker.step(image, float(time), detections, state)
            found.append(tracks_inside(tracks, self.context.width, self.context.height))
        table = tracks_table(self.context.video, clip, found, self._tracker.source)
        return Output({"tracks": found}, {"tracks": table}), state
