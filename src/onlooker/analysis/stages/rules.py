"""Zones, lines and things in hands: the events of a rules file, where one is given."""

from __future__ import annotations

from onlooker.analysis.stage import Context, Inputs, Output, Stage, State, register
from onlooker.events import Detection, Event, EventEngine, Packet, events_table, parse_rules
from onlooker.records import FrameTracks

SOURCE = "event_engine/default@none"


@register
class RuleEvents(Stage):
    name = "rules"
    needs = ("tracks",)
    gives = ("rule_events",)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        rules = context.options.rules
        self._rules = None if rules is None else parse_rules(rules)
        self._engine: EventEngine | None = None

    def run(self, inputs: Inputs, state: State) -> tuple[Output, State]:
        if self._rules is None:
            return Output({"rule_events": []}), state
        if self._engine is None:
            self._engine = EventEngine.restore(self._rules, state["engine"]) if state else EventEngine(self._rules)
        events: list[Event] = []
        clip = inputs.clip
        for index, time, tracks in zip(clip.indices, clip.times, inputs.given["tracks"], strict=True):
            events += self._engine.step(self._packet(int(index), float(time), tracks))
        state = {"engine": self._engine.snapshot()}
        if inputs.last:
            events += self._engine.finish()
        return Output({"rule_events": events}, {"events": events_table(events, self.context.video, SOURCE)}), state

    def _packet(self, index: int, time: float, tracks: FrameTracks) -> Packet:
        """A bridged box is a guess and never counts."""
        seen = [
            Detection(int(track), label, float(score), (float(box[0]), float(box[1]), float(box[2]), float(box[3])))
            for track, label, score, box, observed in zip(
                tracks.ids, tracks.labels, tracks.scores, tracks.boxes, tracks.observed, strict=True
            )
            if observed
        ]
        return Packet(self.context.video, index, time, self.context.width, self.context.height, tuple(seen))
