"""What people do that needs no training: walking, standing, entering, leaving, being together."""

from __future__ import annotations

from onlooker.analysis.stage import Context, Inputs, Output, State, register
from onlooker.events import motion


@register
class MotionFacts:
    name = "motion"
    needs = ("tracks",)
    gives = ("facts",)

    def __init__(self, context: Context) -> None:
        self._context = context

    def start(self) -> State:
        return motion.init_state(self._context.width, self._context.height)

    def run(self, inputs: Inputs, state: State) -> tuple[Output, State]:
        facts = []
        for time, tracks in zip(inputs.clip.times, inputs.given["tracks"], strict=True):
            found, state = motion.step(state, float(time), tracks.ids, tracks.boxes, tracks.observed)
            facts += found
        if inputs.last:
            end = float(inputs.clip.times[-1] + inputs.clip.durations[-1]) if len(inputs.clip) else 0.0
            facts += motion.finish(state, end)
        tables = motion.to_tables(facts, self._context.video, motion.SOURCE)
        return Output({"facts": facts}, tables), state
