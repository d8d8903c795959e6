"""The search space: which variables there are, and the options of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from onlooker.errors import ConfigError
from onlooker.methods.recognition.auto_tsnet.config import Attention, Block, Config, Fusion

STREAMS = ("slow", "fast")
STAGES = ("streams", "fusion", "attention")
"""The order of the progressive search: each stream's blocks and widths, then the exchange, then the attention."""

Choices = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Space:
    """`options` by variable: `slow.0.1.time`, `.space`, `.expansion` and `.attention` of a block, `fast.1.width` of a
    group, `fusion.0` of an exchange. `base` gives the number of groups and blocks and all that is not searched.

    >>> space = Space.around(Config(slow=(((1, 3, 2.0),),), fast=(((3, 3, 2.0),),), slow_widths=(8,),
    ...                             fast_widths=(4,), fusions=("conv",)), times=(1, 3))
    >>> space.free()
    ['slow.0.0.time', 'fast.0.0.time']
    >>> space.config({**space.first(), "slow.0.0.time": 3}).slow[0][0].time
    3
    """

    base: Config
    options: Mapping[str, tuple[Any, ...]]

    @classmethod
    def around(
        cls,
        base: Config,
        *,
        times: Sequence[int] = (),
        spaces: Sequence[int] = (),
        expansions: Sequence[float] = (),
        attentions: Sequence[Attention] = (),
        slow_widths: Sequence[Sequence[int]] = (),
        fast_widths: Sequence[Sequence[int]] = (),
        fusions: Sequence[Fusion] = (),
    ) -> Space:
        """The same options for every block and exchange, widths for each group; none given: what `base` has."""
        options: dict[str, tuple[Any, ...]] = {}
        for stream, widths in zip(STREAMS, (slow_widths, fast_widths), strict=True):
            for g, blocks in enumerate(getattr(base, stream)):
                own = getattr(base, f"{stream}_widths")[g]
                options[f"{stream}.{g}.width"] = tuple(widths[g]) if widths else (own,)
                for b, block in enumerate(blocks):
                    given = (times, spaces, expansions, attentions)
                    for name, values, known in zip(Block._fields, given, block, strict=True):
                        options[f"{stream}.{g}.{b}.{name}"] = tuple(values) or (known,)
        for g, fusion in enumerate(base.fusions):
            options[f"fusion.{g}"] = tuple(fusions) or (fusion,)
        return cls(base, options)

    def free(self, stage: str = "") -> list[str]:
        """Variables with more than one option; with `stage` those that it searches."""
        return [name for name, values in self.options.items() if len(values) > 1 and stage in ("", stage_of(name))]

    def first(self) -> dict[str, Any]:
        """The first option of every variable."""
        return {name: values[0] for name, values in self.options.items()}

    def fixed(self, choices: Choices) -> Space:
        """The space in which these variables have only the option chosen. Raises ConfigError for one that is none."""
        if wrong := [name for name, value in choices.items() if value not in self.options.get(name, ())]:
            raise ConfigError(f"{wrong[0]}={choices[wrong[0]]!r} is no option: {self.options.get(wrong[0], ())}.")
        return replace(self, options={**self.options, **{name: (value,) for name, value in choices.items()}})

    def random(self, generator: torch.Generator) -> dict[str, Any]:
        """One option of every variable, all equally likely."""
        return {
            name: values[int(torch.randint(len(values), (), generator=generator))]
            for name, values in self.options.items()
        }

    def config(self, choices: Choices) -> Config:
        """The network of these choices. Raises ConfigError when one is missing or no option."""
        if missing := [name for name in self.options if name not in choices]:
            raise ConfigError(f"nothing was chosen for {', '.join(missing)}.")
        self.fixed(choices)
        streams = {
            stream: tuple(
                tuple(
                    Block(*(choices[f"{stream}.{g}.{b}.{name}"] for name in Block._fields)) for b in range(len(blocks))
                )
                for g, blocks in enumerate(getattr(self.base, stream))
            )
            for stream in STREAMS
        }
        groups = range(len(self.base.fusions))
        return replace(
            self.base,
            slow=streams["slow"],
            fast=streams["fast"],
            slow_widths=tuple(choices[f"slow.{g}.width"] for g in groups),
            fast_widths=tuple(choices[f"fast.{g}.width"] for g in groups),
            fusions=tuple(choices[f"fusion.{g}"] for g in groups),
        )


def stage_of(name: str) -> str:
    """Which stage of the search a variable belongs to.

    >>> stage_of("slow.0.1.attention"), stage_of("fusion.0"), stage_of("fast.1.width")
    ('attention', 'fusion', 'streams')
    """
    if name.startswith("fusion"):
        return "fusion"
    return "attention" if name.endswith("attention") else "streams"
