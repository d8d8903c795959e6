"""`onlooker weights convert`: a foreign checkpoint of a known method becomes one safetensors file with its card."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onlooker.errors import ConfigError
from onlooker.methods.registry import Method, find
from onlooker.storage import sha256_of
from onlooker.weights.card import Card

if TYPE_CHECKING:
    from onlooker.weights.inputs import InputSpec
    from onlooker.weights.loading import LoadReport


@dataclass(frozen=True, slots=True)
class Conversion:
    """What was written: the file, its digest and card, a line per tensor, and the numbers that the source lacked."""

    out: Path
    sha256: str
    card: Card
    layout: str
    report: LoadReport
    unknown: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "out": str(self.out),
            "sha256": self.sha256,
            "method": self.card.method,
            "variant": self.card.variant,
            "layout": self.layout,
            "config": json.loads(self.card.config),
            "unknown": list(self.unknown),
            "keys": [
                {"name": key.ours or key.theirs, "status": key.status, "detail": key.detail} for key in self.report.keys
            ],
        }

    def lines(self, *, keys: bool = False) -> list[str]:
        """What the command prints; with `keys` a line per tensor."""
        counts = Counter(key.status for key in self.report.keys)
        text = [f"{self.out}: {self.card.method} from the {self.layout} layout, sha256 {self.sha256[:16]}"]
        text.append("  " + ", ".join(f"{count} tensors {status}" for status, count in counts.items()))
        if self.unknown:
            names = ", ".join(self.unknown)
            text.append(f"  not known from the file: {names}. Give it when you load, or here with --set.")
        if keys:
            text += [f"  {key.status:<10} {key.ours or key.theirs} {key.detail}".rstrip() for key in self.report.keys]
        return text


def convert(
    file: str | Path,
    method: str,
    out: str | Path,
    *,
    layout: str = "",
    variant: str = "",
    settings: Mapping[str, Any] | None = None,
    labels: tuple[str, ...] = (),
    cast: bool = False,
) -> Conversion:
    """Convert a checkpoint in an official layout (`.pth`, `.pyth`, `.pt`, `.ckpt`, `.bin`, `.safetensors`) to ours.

    A pickle is opened only in a child process that builds tensors and nothing else, under limits. The result is
    checked against the model it claims to be before `out` appears, whole. `layout`, `variant` and `settings` (single
    numbers of the configuration) help where the file is ambiguous; `cast` allows other float types to become float32.

    Raises ConfigError (no such file, method, layout or variant), UnsafeCheckpoint, IncompatibleCheckpoint,
    WeightsError, StorageError.
    """
    file, out, known = Path(file), Path(out), find(method)
    converter = known.load("convert")
    _check_request(known, converter.LAYOUTS, layout, variant, out)
    from onlooker.weights.conversion import foreign_state
    from onlooker.weights.saving import save_weights

    with foreign_state(file, out.parent) as state:
        given = read_settings(known, settings or {})
        converted = converter.convert(state, layout=layout, variant=variant, settings=given)
    report, unknown, spec = _check_fit(known, converted.config, converted.state, file.name, cast=cast)
    card = Card(
        method=known.name,
        variant=variant,
        code_licence=known.code_licence,
        weights_licence=known.weights_licence,
        origin=file.name,
        origin_sha256=sha256_of(file),
        config=json.dumps(converted.config, sort_keys=True),
        spec=spec,
        labels=labels,
    )
    state = converted.state
    if cast:
        state = {key: value.float() if value.is_floating_point() else value for key, value in state.items()}
    save_weights(out, state, card)
    return Conversion(out, sha256_of(out), card, converted.layout, report, unknown)


def _check_request(method: Method, layouts: tuple[str, ...], layout: str, variant: str, out: Path) -> None:
    if layout and layout not in layouts:
        raise ConfigError(f"{method.name} has no layout {layout!r}: choose {', '.join(layouts)}.")
    if variant and variant not in method.variants:
        raise ConfigError(f"{method.name} has no variant {variant!r}: choose {', '.join(method.variants)}.")
    if out.suffix != ".safetensors":
        raise ConfigError(f"{out.name}: the result is a safetensors file; give it that ending.")
    if not out.parent.is_dir():
        raise ConfigError(f"{out.parent}: no such folder. Create it, or choose another --out.")


def read_settings(method: Method, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Overrides of single Config numbers, texts turned into the field's type. Raises ConfigError for unknown ones."""
    from dataclasses import fields

    known: dict[str, Any] = {field.name: field.default for field in fields(method.load("model").Config)}
    read: dict[str, Any] = {}
    for key, value in settings.items():
        if key not in known:
            raise ConfigError(f"{method.name} has no setting {key!r}: choose from {', '.join(known)}.")
        try:
            kind = type(known[key])
            read[key] = {"true": True, "false": False}[str(value).lower()] if kind is bool else kind(value)
        except (TypeError, ValueError, KeyError):
            raise ConfigError(f"{key}={value}: not a {type(known[key]).__name__}.") from None
    return read


def _check_fit(
    method: Method, config: Mapping[str, Any], state: Mapping[str, Any], name: str, *, cast: bool
) -> tuple[LoadReport, tuple[str, ...], InputSpec]:
    """Hold the state against the model on the meta device; also the numbers still unknown, and the preprocessing."""
    import torch

    from onlooker.weights.loading import match_weights

    module = method.load("model")
    unknown = tuple(name for name in module.NOT_IN_FILES if name not in config)
    with torch.device("meta"):
        # one head fits every width: the count changes no shape
        model = module.build(module.Config(**{**dict.fromkeys(unknown, 1), **config}))
    return match_weights(model, state, cast=cast, name=name), unknown, model.spec


def split_settings(pairs: list[str]) -> dict[str, str]:
    """`["heads=4"]` as a table. Raises ConfigError for anything else.

    >>> split_settings(["heads=4"])
    {'heads': '4'}
    """
    if wrong := [pair for pair in pairs if "=" not in pair]:
        raise ConfigError(f"{wrong[0]!r} is not of the form name=value.")
    return dict(pair.split("=", 1) for pair in pairs)
