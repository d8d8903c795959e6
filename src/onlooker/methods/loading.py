"""A model by name: `load("timesformer/base", weights="timesformer.safetensors")`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from onlooker.errors import ConfigError, IncompatibleCheckpoint, UnsafeCheckpoint
from onlooker.methods.conversion import read_settings
from onlooker.methods.registry import find
from onlooker.weights.card import Card


def load(
    name: str,
    weights: str | Path | None = None,
    *,
    commercial: bool = False,
    settings: Mapping[str, Any] | None = None,
    cast: bool = False,
) -> Any:
    """A model in evaluation mode.

    `name` is `method` or `method/variant`; a weights file in its place says the method itself. `weights` is a
    safetensors path or `hf://org/name[@revision]/file` in our names (see `onlooker weights convert`); its card says
    the configuration. Without weights the model is random.
    `settings` overrides single numbers of the configuration. `commercial=True` refuses weights whose licences are not
    known to allow that use; `cast=True` lets other float types become those of the model.

    Raises ConfigError (unknown name or setting), LicenceError, IncompatibleCheckpoint, UnsafeCheckpoint.

    >>> load("timesformer/base", settings={"depth": 1, "dim": 64, "heads": 1}).config.frames
    8
    """
    if weights is None and (name.endswith(".safetensors") or name.startswith("hf://")):
        return load(_method_in(name), name, commercial=commercial, settings=settings, cast=cast)
    method_name, _, variant = name.partition("/")
    method = find(method_name)
    if variant and variant not in method.variants:
        raise ConfigError(f"{method.name} has no variant {variant!r}: choose {', '.join(method.variants)}.")
    module = method.load("model")
    if not hasattr(module, "build"):
        raise ConfigError(f"{method.name} has no weights to load: its card, {method.readme}, says how it is used.")
    from dataclasses import fields

    chosen = module.VARIANTS[variant or method.variants[0]]
    values = {field.name: getattr(chosen, field.name) for field in fields(chosen)}
    card, path = (None, None) if weights is None else _read_card(weights)
    if card is not None:
        if card.method != method.name:
            raise IncompatibleCheckpoint(f"{card.origin or weights}: these weights are of {card.method}, not {name}.")
        stored = _stored_config(card, set(values))
        _require(module.NOT_IN_FILES, stored, settings or {}, method.name)
        values.update(stored)
    if commercial and weights is not None:
        (card or Card(method.name, variant)).check_commercial()
    model = module.build(module.Config(**{**values, **read_settings(method, settings or {})}))
    if path is not None:
        from onlooker.weights.loading import load_weights

        load_weights(model, path, cast=cast)
        if card is not None:
            model.spec, model.labels = card.spec or model.spec, card.labels
            if card.multi_label:
                model.multi_label = True
    return model.eval()


def _method_in(weights: str) -> str:
    card, path = _read_card(weights)
    if card is None:
        raise ConfigError(f"{path.name} has no card that says its method: load('NAME', weights={path.name!r}).")
    return card.method


def _read_card(weights: str | Path) -> tuple[Card | None, Path]:
    from onlooker.weights.header import read_header
    from onlooker.weights.sources import locate

    file = locate(weights)
    return Card.from_metadata(read_header(file.path).metadata, file.path.name), file.path


def _stored_config(card: Card, known: set[str]) -> dict[str, Any]:
    try:
        stored = json.loads(card.config or "{}")
        unknown = sorted(set(stored) - known)
    except (ValueError, TypeError):
        raise UnsafeCheckpoint(f"{card.method}: the card's configuration is malformed. Convert it again.") from None
    if unknown:
        raise UnsafeCheckpoint(f"{card.method}: the card's configuration has unknown names: {', '.join(unknown)}.")
    return {name: _frozen(value) for name, value in stored.items()}


def _frozen(value: Any) -> Any:
    """JSON knows lists alone; configurations are made of tuples."""
    return tuple(_frozen(part) for part in value) if isinstance(value, list) else value


def _require(names: tuple[str, ...], stored: Mapping[str, Any], settings: Mapping[str, Any], method: str) -> None:
    if missing := [name for name in names if name not in stored and name not in settings]:
        raise ConfigError(
            f"the weights do not say {', '.join(missing)} of {method}: pass settings={{{missing[0]!r}: ...}}, or "
            f"convert them again with --set {missing[0]}=..."
        )
