"""What people do that needs no training: walking, standing, entering, leaving, being together."""

from __future__ import annotations

from onlooker.analysis.stage import Inputs, Output, Stage, State, register
from onlooker.events import motion

SOURCE = "motion/default@none"


@register
class MotionFacts(Stage):
    name = "motion"
    needs = ("tracks", "jumps")
    gives = ("facts",)

    def start(self) -> State:
        return motion.init_state(self.context.width, self.context.height)

    def run(self, inputs: Inputs, state: State) -> tuple[Output, State]:
        facts = []
        clip = inputs.clip
        for time, index, tracks in zip(clip.times, clip.indices, inputs.given["tracks"], strict=True):
            if int(index) in inputs.given["jumps"]:
                ended, state = motion.cut(state, float(time))
                facts += ended
            found, state = motion.step(state, float(time), tracks.ids, tracks.boxes, tracks.observed)
            facts += found
        if inputs.last:
            end = float(clip.times[-1] + clip.durations[-1]) if len(clip) else 0.0
            facts += motion.finish(state, end)
        tables = motion.to_tables(facts, self.context.video, SOURCE)
        return Output({"facts": facts}, tables), state
