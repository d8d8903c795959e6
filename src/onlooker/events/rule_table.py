"""What rules of one kind remember of each track."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Protocol

import numpy as np

from onlooker.events.arrays import grow_table, make_table, reset_columns, table_from_json, table_to_json


class TracksOfClasses(Protocol):
    """A rule for tracks of some classes, or of all where `classes` is None."""

    @property
    def classes(self) -> Collection[str] | None: ...


class RuleTable:
    """`table`: a value per rule and track slot for each of `columns`; `applies`: whether the rule is for the track."""

    def __init__(self, columns: dict[str, tuple[str, Any]], rules: Sequence[TracksOfClasses], capacity: int) -> None:
        self._columns, self._classes = columns, [rule.classes for rule in rules]
        self.table = make_table(columns, len(rules), capacity)
        self.applies = np.zeros((len(rules), capacity), bool)

    def begin(self, slot: int, label: str) -> None:
        """A new track has this slot."""
        if slot >= self.applies.shape[1]:
            capacity = 2 * max(slot, self.applies.shape[1])
            grow_table(self.table, self._columns, capacity)
            self.applies = np.pad(self.applies, ((0, 0), (0, capacity - self.applies.shape[1])))
        reset_columns(self.table, self._columns, np.array([slot], np.intp))
        self.applies[:, slot] = [classes is None or label in classes for classes in self._classes]

    def snapshot(self) -> dict[str, Any]:
        """Plain values."""
        return {"table": table_to_json(self.table), "applies": table_to_json({"applies": self.applies})}

    def load(self, values: dict[str, Any]) -> None:
        """Take over what `snapshot` gave."""
        self.table = table_from_json(values["table"])
        self.applies = table_from_json(values["applies"])["applies"]
