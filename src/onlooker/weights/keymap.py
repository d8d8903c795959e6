"""Names in somebody else's checkpoint <-> names in our model, declared once and read in both directions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from onlooker.errors import ConfigError, IncompatibleCheckpoint

T = TypeVar("T")

_FIELD = re.compile(r"\{(\w+)(\*?)\}")


@dataclass(frozen=True)
class KeyMap:
    """Renaming rules between an official layout (`theirs`) and our names (`ours`).

    A rule is a pair of patterns. `{i}` stands for one part between dots, `{rest*}` for one or more parts; both sides
    name the same fields. The first rule that matches wins; a key that no rule matches is unmapped, and unmapped keys
    are errors. `prefixes` are cut from their keys before matching where *all* keys carry them (wrappers such as
    `module.`); `ignored` are patterns of their keys that hold nothing a model needs.

    >>> names = KeyMap((("blocks.{i}.norm1.{kind}", "layers.{i}.norm.{kind}"), ("head.{kind}", "head.{kind}")))
    >>> names.to_ours("blocks.3.norm1.bias")
    'layers.3.norm.bias'
    >>> names.to_theirs("layers.3.norm.bias")
    'blocks.3.norm1.bias'
    >>> names.to_ours("unknown") is None
    True
    """

    rules: tuple[tuple[str, str], ...]
    prefixes: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for theirs, ours in self.rules:
            if sorted(_fields(theirs)) != sorted(_fields(ours)):
                raise ConfigError(f"the key-map rule {theirs!r} -> {ours!r} names different fields on its two sides.")

    def to_ours(self, key: str) -> str | None:
        """Our name for their (prefix-free) key, or None."""
        return _rename(key, self.rules)

    def to_theirs(self, key: str) -> str | None:
        """Their name for our key, or None."""
        return _rename(key, ((ours, theirs) for theirs, ours in self.rules))

    def is_ignored(self, key: str) -> bool:
        """Whether their key is known to hold nothing that a model needs."""
        return any(_compiled(pattern).fullmatch(key) for pattern in self.ignored)

    def strip(self, keys: Iterable[str]) -> dict[str, str]:
        """Each key to its name without the wrappers' prefixes."""
        stripped = {key: key for key in keys}
        found = True
        while found and stripped:
            found = False
            for prefix in self.prefixes:
                if all(short.startswith(prefix) for short in stripped.values()):
                    stripped = {key: short[len(prefix) :] for key, short in stripped.items()}
                    found = True
        return stripped

    def import_names(self, keys: Iterable[str]) -> Names:
        """What becomes of each of their keys. Raises IncompatibleCheckpoint when two land on one name."""
        mapped: dict[str, str] = {}
        unmapped: list[str] = []
        ignored: list[str] = []
        for key, short in self.strip(keys).items():
            ours = self.to_ours(short)
            if ours is not None:
                mapped[key] = ours
            elif self.is_ignored(short):
                ignored.append(key)
            else:
                unmapped.append(key)
        _refuse_collisions(mapped)
        return Names(mapped, tuple(unmapped), tuple(ignored))

    def export(self, state: Mapping[str, T]) -> dict[str, T]:
        """Our state under their names. Raises IncompatibleCheckpoint for names that no rule maps."""
        names = {key: self.to_theirs(key) for key in state}
        if missing := sorted(key for key, name in names.items() if name is None):
            raise IncompatibleCheckpoint(
                f"no rule of this layout names: {', '.join(missing)}. The model has parts that the layout lacks.",
                unexpected=missing,
            )
        exported = {key: name for key, name in names.items() if name is not None}
        _refuse_collisions(exported)
        return {exported[key]: value for key, value in state.items()}


@dataclass(frozen=True, slots=True)
class Names:
    """`mapped` their key -> our name; `unmapped` and `ignored` are their keys."""

    mapped: dict[str, str]
    unmapped: tuple[str, ...]
    ignored: tuple[str, ...]


def _refuse_collisions(names: Mapping[str, str]) -> None:
    owners: dict[str, str] = {}
    for key, name in names.items():
        if name in owners:
            raise IncompatibleCheckpoint(
                f"{owners[name]!r} and {key!r} both map to {name!r}: the file mixes two layouts.", unexpected=[key]
            )
        owners[name] = key


def _fields(pattern: str) -> list[tuple[str, str]]:
    return _FIELD.findall(pattern)


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    position, parts = 0, []
    for match in _FIELD.finditer(pattern):
        parts.append(re.escape(pattern[position : match.start()]))
        parts.append(f"(?P<{match[1]}>{'.+' if match[2] else '[^.]+'})")
        position = match.end()
    return re.compile("".join(parts) + re.escape(pattern[position:]))


def _rename(key: str, pairs: Iterable[tuple[str, str]]) -> str | None:
    """The partner of the first pattern that matches the key, with its fields filled in."""
    for source, target in pairs:
        match = _compiled(source).fullmatch(key)
        if match:
            return target.replace("*}", "}").format_map(match.groupdict())
    return None
