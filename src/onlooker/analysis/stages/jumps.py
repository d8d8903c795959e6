"""Frames at which the picture changes at once, for stages that follow things from frame to frame.

This looks one frame back and none ahead, so that nothing has to wait for it; a flash counts as two jumps. The table of
shots comes from the careful detector in `shots`.
"""

from __future__ import annotations

from onlooker.analysis.stage import Inputs, Output, Stage, State, register
from onlooker.video.shot_features import difference, thumbnail

JUMP = 0.7  # in the units of `difference`: one view in motion stays below, two shots lie near 1.4


@register
class Jumps(Stage):
    name = "jumps"
    gives = ("jumps",)

    def start(self) -> State:
        return {"last": None, "epoch": 0}

    def run(self, inputs: Inputs, state: State) -> tuple[Output, State]:
        last = state["last"]
        jumps = set()
        for position, (image, index) in enumerate(zip(inputs.clip.images, inputs.clip.indices, strict=True)):
            small = thumbnail(image)
            new_epoch = position == 0 and inputs.epoch != state["epoch"]
            if new_epoch or (last is not None and difference(last, small) >= JUMP):
                jumps.add(int(index))
            last = small
        return Output({"jumps": frozenset(jumps)}), {"last": last, "epoch": inputs.epoch}
