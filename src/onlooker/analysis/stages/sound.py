"""How loud it is, in stretches of a tenth of a second."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from onlooker.analysis.stage import Context, Inputs, Output, Stage, State, register
from onlooker.analysis.tables import make_table
from onlooker.errors import MediaError
from onlooker.video import Sound

RATE = 16_000
STEP = 0.1
SILENCE = -120.0
SOURCE = "sound_level/default@none"


@register
class SoundLevel(Stage):
    name = "sound"
    gives = ("loudness",)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._usable = context.has_sound

    def start(self) -> State:
        return {"until": 0}

    def run(self, inputs: Inputs, state: State) -> tuple[Output, State]:
        if not self._usable or not len(inputs.clip):
            return Output({"loudness": []}), state
        first = state["until"] if not inputs.first else int(inputs.clip.times[0] // STEP)
        until = int((inputs.clip.times[-1] + inputs.clip.durations[-1]) // STEP) + int(inputs.last)
        levels = self._levels(first, max(first, until))
        return Output({"loudness": levels}, {"sound": self._table(levels)}), {"until": max(first, until)}

    def _levels(self, first: int, until: int) -> list[tuple[float, float, float, float]]:
        if first == until:
            return []
        try:
            with self.context.open_video() as video:
                sound = video.sound(RATE, mono=True, start=first * STEP, end=until * STEP)
        except MediaError as error:
            self._usable = False
            self.context.warn(f"The sound stops being readable at {first * STEP:.1f} s: {error}")
            return []
        return measure_levels(sound, first, until)

    def _table(self, levels: list[tuple[float, float, float, float]]) -> object:
        start, end, rms, peak = ([row[i] for row in levels] for i in range(4))
        names = {"video": [self.context.video] * len(levels), "source": [SOURCE] * len(levels)}
        return make_table("sound", {**names, "start": start, "end": end, "rms": rms, "peak": peak})


def measure_levels(sound: Sound, first: int, until: int) -> list[tuple[float, float, float, float]]:
    """Rows (start, end, rms dBFS, peak dBFS) for the steps `first` to `until`; sound that is missing gives no row."""
    rows = []
    for step in range(first, until):
        a, b = (round((edge * STEP - sound.start) * sound.rate) for edge in (step, step + 1))
        heard = slice(max(a, 0), max(b, 0))
        samples = sound.samples[heard][sound.mask[heard]]
        if len(samples):
            level = float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))
            rows.append((step * STEP, (step + 1) * STEP, _decibel(level), _decibel(_peak(samples))))
    return rows


def _peak(samples: NDArray[np.float32]) -> float:
    return float(np.abs(samples).max())


def _decibel(amplitude: float) -> float:
    return max(SILENCE, 20 * float(np.log10(amplitude))) if amplitude > 0 else SILENCE
