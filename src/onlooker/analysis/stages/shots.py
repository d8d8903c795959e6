"""Where one shot ends and the next begins."""

from __future__ import annotations

from typing import Any

from onlooker.analysis.stage import Inputs, Output, Stage, State, register
from onlooker.analysis.tables import rows_table
from onlooker.video import shots

SOURCE = "shots/default@none"


@register
class Shots(Stage):
    """Gives the rows of `shots`: from its first frame to the first frame of the next, each shot once it is over."""

    name = "shots"
    gives = ("shots",)

    def start(self) -> State:
        return {"number": 0, "open": None, "detector": shots.init_state()}

    def run(self, inputs: Inputs, state: State) -> tuple[Output, State]:
        clip, open_shot, number = inputs.clip, state["open"], state["number"]
        if open_shot is None and len(clip):
            open_shot = _begin(int(clip.indices[0]), float(clip.times[0]), "start", 1.0)
        boundaries, detector = shots.step(state["detector"], clip.images, clip.times, clip.indices)
        if inputs.last:
            boundaries = [*boundaries, *shots.finish(detector)]
        rows = []
        for boundary in boundaries:
            rows.append(self._row(number, open_shot, boundary.index, boundary.time))
            number += 1
            open_shot = _begin(boundary.index, boundary.time, boundary.kind, boundary.score)
        if inputs.last and open_shot is not None and len(clip):
            rows.append(self._row(number, open_shot, int(clip.indices[-1]) + 1, float(clip.end)))
        state = {"number": number, "open": open_shot, "detector": detector}
        return Output({"shots": rows}, {"shots": rows_table("shots", rows)}), state

    def _row(self, number: int, shot: dict[str, Any], end_frame: int, end: float) -> dict[str, Any]:
        return {
            "video": self.context.video,
            "shot": number,
            "end_frame": end_frame,
            "end": end,
            "source": SOURCE,
            **shot,
        }


def _begin(frame: int, time: float, transition: str, score: float) -> dict[str, Any]:
    return {"start_frame": frame, "start": time, "transition": transition, "score": score}
