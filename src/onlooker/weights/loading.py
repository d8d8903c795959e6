"""Fill a model from a checkpoint, strictly in both directions, and report every key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from onlooker.errors import IncompatibleCheckpoint, WeightsError
from onlooker.weights.header import read_header
from onlooker.weights.keymap import KeyMap
from onlooker.weights.sources import locate

Status = Literal["loaded", "converted", "ignored", "missing", "unexpected", "mismatched"]


@dataclass(frozen=True, slots=True)
class KeyReport:
    """What became of one tensor: its name in the file, its name in the model, and why it did not fit if it did not."""

    theirs: str | None
    ours: str | None
    status: Status
    detail: str = ""


@dataclass(frozen=True, slots=True)
class LoadReport:
    """One line per key of file and model. `source` is the file's base name, `sha256` its digest (empty for a dict)."""

    source: str
    sha256: str
    keys: tuple[KeyReport, ...]

    def names(self, status: Status) -> tuple[str, ...]:
        """The model's name of each key with this status (the file's where the model has none)."""
        return tuple(key.ours or key.theirs or "" for key in self.keys if key.status == status)


def load_weights(
    model: nn.Module,
    source: str | Path | Mapping[str, Tensor],
    key_map: KeyMap | None = None,
    *,
    sha256: str | None = None,
    cast: bool = False,
) -> LoadReport:
    """Copy every tensor of `source` into `model`, or change nothing and raise.

    `source` is a safetensors path, `hf://org/name[@revision]/file.safetensors` or a state dict. `key_map` translates
    an official layout; without it the names must be ours. `sha256` is the digest the file must have. Tensors of
    another floating-point type (float16 weights, a float32 model) are refused unless `cast=True`.

    Raises IncompatibleCheckpoint with the complete lists `missing`, `unexpected` and `mismatched`; UnsafeCheckpoint
    for pickles, lying headers and wrong digests; WeightsError for damaged files.

    >>> model = nn.Linear(2, 1)
    >>> report = load_weights(model, {"weight": torch.ones(1, 2), "bias": torch.zeros(1)})
    >>> report.names("loaded")
    ('weight', 'bias')
    """
    state, name, digest = open_state(source, sha256)
    report = match_weights(model, state, key_map, cast=cast, name=name, digest=digest)
    target = model.state_dict(keep_vars=True)
    with torch.no_grad():
        for key in report.keys:
            if key.ours is not None and key.theirs is not None:
                target[key.ours].copy_(state[key.theirs])
    return report


def match_weights(
    model: nn.Module,
    state: Mapping[str, Tensor],
    key_map: KeyMap | None = None,
    *,
    cast: bool = False,
    name: str = "state dict",
    digest: str = "",
) -> LoadReport:
    """What `load_weights` would do with a state dict, without doing it (the model may be on the meta device).

    `name` and `digest` are what the report says of the source. Raises IncompatibleCheckpoint.
    """
    report = LoadReport(name, digest, tuple(_compare(model.state_dict(), state, key_map, cast=cast)))
    _refuse_faults(report, type(model).__name__)
    return report


def open_state(
    source: str | Path | Mapping[str, Tensor], sha256: str | None = None
) -> tuple[Mapping[str, Tensor], str, str]:
    """Tensors by name, the source's base name and its digest; nothing is read before the header is checked."""
    if isinstance(source, Mapping):
        return source, "state dict", ""
    file = locate(source, sha256=sha256)
    read_header(file.path)
    try:
        return load_file(file.path), file.path.name, file.sha256
    except Exception as error:
        raise WeightsError(f"{file.path.name}: the tensors cannot be read ({error}). Fetch the file again.") from error


def _compare(
    model: Mapping[str, Tensor], state: Mapping[str, Tensor], key_map: KeyMap | None, *, cast: bool
) -> Iterable[KeyReport]:
    names = {key: key for key in state}
    if key_map is not None:
        translated = key_map.import_names(state)
        names = translated.mapped
        yield from (KeyReport(key, None, "unexpected", "no rule of the layout names it") for key in translated.unmapped)
        yield from (KeyReport(key, None, "ignored", "holds nothing the model needs") for key in translated.ignored)
    for theirs, ours in names.items():
        if ours in model:
            yield _compare_one(theirs, ours, state[theirs], model[ours], cast=cast)
        else:
            yield KeyReport(theirs, None, "unexpected", f"would be {ours!r}, which the model lacks")
    for ours in model:
        if ours not in names.values():
            yield KeyReport(None, ours, "missing", f"{tuple(model[ours].shape)}")


def _compare_one(theirs: str, ours: str, found: Tensor, wanted: Tensor, *, cast: bool) -> KeyReport:
    if found.shape != wanted.shape:
        detail = f"{tuple(found.shape)} in the file, {tuple(wanted.shape)} in the model"
        return KeyReport(theirs, ours, "mismatched", detail)
    if found.dtype == wanted.dtype:
        return KeyReport(theirs, ours, "loaded")
    detail = f"{found.dtype} in the file, {wanted.dtype} in the model".replace("torch.", "")
    if cast and found.is_floating_point() and wanted.is_floating_point():
        return KeyReport(theirs, ours, "converted", detail)
    return KeyReport(theirs, ours, "mismatched", detail)


def _refuse_faults(report: LoadReport, model: str) -> None:
    """Raise IncompatibleCheckpoint when a key is missing, unexpected or mismatched."""
    faults = {
        status: [key for key in report.keys if key.status == status]
        for status in ("missing", "unexpected", "mismatched")
    }
    if not any(faults.values()):
        return
    lists = {status: [_say(key) for key in keys] for status, keys in faults.items()}
    parts = [f"{len(names)} {status}: {_shorten(names)}" for status, names in lists.items() if names]
    hint = "Check the variant and the layout"
    if any("float" in key.detail.split(" in the file")[0] for key in faults["mismatched"]):
        hint += "; another number type is converted only on request (cast=True)"
    raise IncompatibleCheckpoint(
        f"{report.source} does not fit {model}: {'; '.join(parts)}. Nothing was loaded. {hint}.", **lists
    )


def _say(key: KeyReport) -> str:
    name = key.ours or key.theirs or ""
    return f"{name} ({key.detail})" if key.status == "mismatched" else name


def _shorten(names: list[str]) -> str:
    shown = ", ".join(names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"
