"""Which stages run, in an order in which everything needed comes first."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from graphlib import CycleError, TopologicalSorter

from onlooker.analysis.stage import Stage
from onlooker.errors import ConfigError


def order_stages(stages: dict[str, type[Stage]], wanted: Sequence[str] | None = None) -> list[type[Stage]]:
    """The wanted stages (all by default) and those that give what they need, ordered.

    Errors: ConfigError for an unknown stage, a value that nobody gives, one that two give, or a cycle.
    """
    names = list(stages) if wanted is None else list(wanted)
    for name in names:
        if name not in stages:
            near = difflib.get_close_matches(name, stages, n=1, cutoff=0.3)
            raise ConfigError(
                f"unknown stage {name!r}: "
                + (f"did you mean {near[0]!r}?" if near else f"there are {', '.join(stages)}.")
            )
    givers = _givers(stages)
    graph: dict[str, set[str]] = {}
    while names:
        name = names.pop()
        if name not in graph:
            graph[name] = {_giver(givers, need, name) for need in stages[name].needs}
            names.extend(sorted(graph[name]))
    try:
        return [stages[name] for name in TopologicalSorter({k: sorted(graph[k]) for k in sorted(graph)}).static_order()]
    except CycleError as error:
        raise ConfigError(f"these stages need each other: {' -> '.join(error.args[1])}.") from None


def _givers(stages: dict[str, type[Stage]]) -> dict[str, str]:
    givers: dict[str, str] = {}
    for name, stage in stages.items():
        for value in stage.gives:
            if value in givers:
                raise ConfigError(f"stages {givers[value]!r} and {name!r} both give {value!r}: leave one out.")
            givers[value] = name
    return givers


def _giver(givers: dict[str, str], need: str, stage: str) -> str:
    if need not in givers:
        raise ConfigError(f"stage {stage!r} needs {need!r}, which no stage gives.")
    return givers[need]
