"""Where one shot ends and the next begins."""

from __future__ import annotations

from typing import Any

from onlooker.analysis.stage import Inputs, Output, Stage, State, register
from onlooker.analysis.tables import rows_table
from onlooker.video import shots

SOURCE = "shots/default@none"
JUMP = 0.7  # in the units of `shot_features.difference`: one view in motion stays below, two shots lie near 1.4


@register
class Shots(Stage):
    """Gives the rows of `shots`, each once the shot is over, and `jumps`: frames at which the picture changes at once.

    The boundaries of shots are sure and late; jumps are known at once, for stages that follow things from frame to
    frame and must not wait. A flash makes two jumps and no boundary.
    """

    name = "shots"
    gives = ("shots", "jumps")

    def start(self) -> State:
        return {"number": 0, "open": None, "epoch": 0, "detector": shots.init_state()}

    def run(self, inputs: Inputs, state: State) -> tuple[Output, State]:
        clip, open_shot, number = inputs.clip, state["open"], state["number"]
        if open_shot is None and len(clip):
            open_shot = _begin(int(clip.indices[0]), float(clip.times[0]), "start", 1.0)
        boundaries, detector = shots.step(state["detector"], clip.images, clip.times, clip.indices, clip.status)
        if inputs.last:
            boundaries = [*boundaries, *shots.finish(detector)]
        rows = []
        for boundary in boundaries:
            rows.append(self._row(number, open_shot, boundary.index, boundary.time))
            number += 1
            open_shot = _begin(boundary.index, boundary.time, boundary.kind, boundary.score)
        if inputs.last and open_shot is not None and len(clip):
            rows.append(self._row(number, open_shot, int(clip.indices[-1]) + 1, float(clip.end)))
        values = {"shots": rows, "jumps": _jumps(inputs, detector, new_epoch=inputs.epoch != state["epoch"])}
        state = {"number": number, "open": open_shot, "epoch": inputs.epoch, "detector": detector}
        return Output(values, {"shots": rows_table("shots", rows)}), state

    def _row(self, number: int, shot: dict[str, Any], end_frame: int, end: float) -> dict[str, Any]:
        row = {"video": self.context.video, "shot": number, "end_frame": end_frame, "end": end, "source": SOURCE}
        return {**row, **shot}


def _jumps(inputs: Inputs, detector: State, *, new_epoch: bool) -> frozenset[int]:
    indices = inputs.clip.indices
    steps = shots.recent_steps(detector, len(indices))
    jumps = {int(index) for index, step in zip(indices, steps, strict=True) if step >= JUMP}
    if new_epoch and len(indices):
        jumps.add(int(indices[0]))
    return frozenset(jumps)


def _begin(frame: int, time: float, transition: str, score: float) -> dict[str, Any]:
    return {"start_frame": frame, "start": time, "transition": transition, "score": score}
