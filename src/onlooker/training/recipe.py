"""A training run as data: YAML -> checked, typed values. Imports no torch."""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import BaseModel, Field, ValidationError, model_validator

from onlooker.errors import ConfigError
from onlooker.storage import storage_errors
from onlooker.training.recipe_data import KINDS, Data, Part

MAX_BYTES = 1 << 20


class Model(Part):
    """What is trained. `settings` overrides single numbers of the variant's configuration; `weights` is a safetensors
    path or `hf://` address to start from; parameters whose names begin with one of `fresh` are not taken from it.
    `gain` multiplies the random linear weights: transformers' usual 0.02 is made for widths near 768 and leaves narrow
    models so nearly linear that they hardly begin to learn; (768 / width) ** 0.5 gives them the same activations."""

    method: str
    variant: str = ""
    settings: dict[str, Any] = Field(default_factory=dict)
    weights: str | None = None
    fresh: tuple[str, ...] = ()
    gain: Annotated[float, Field(gt=0)] = 1.0


class Splits(Part):
    """Where samples come from, and how many processes read them. Before training `check_videos` only looks whether
    files exist, opens each (index and first frame), or decodes them all, once for a run; `check_content` finds copies
    of files."""

    train: Data
    val: Data
    workers: Annotated[int, Field(ge=0)] = 0
    check_content: bool = True
    check_videos: Literal["exist", "open", "decode"] = "open"


class RandAugment(Part):
    """So many random operations, all of one strength, which `spread` varies; see `data.transforms`."""

    operations: Annotated[int, Field(gt=0)] = 2
    strength: Annotated[float, Field(ge=0, le=10)] = 9.0
    spread: Annotated[float, Field(ge=0)] = 0.0


class AugMix(Part):
    """Chains of random operations, mixed with the clip; see `data.transforms`."""

    chains: Annotated[int, Field(gt=0)] = 3
    strength: Annotated[float, Field(ge=0, le=10)] = 3.0


class ResizedCrop(Part):
    """A part with a random share of the area and a random width to height, made square; with `shift` it moves."""

    area: tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(le=1)]] = (0.08, 1.0)
    aspect: tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]] = (3 / 4, 4 / 3)
    shift: bool = False

    @model_validator(mode="after")
    def _ordered(self) -> ResizedCrop:
        if self.area[0] > self.area[1] or self.aspect[0] > self.aspect[1]:
            raise ValueError("area and aspect are ranges: the smaller number first")
        return self


class Augment(Part):
    """What training does to a clip. `short_side` is the range of the random size, `inverse` draws 1/size evenly;
    `resized_crop` takes their place. `crop` is the side of the square that is cut out, where it is not the model's own
    (which testing always uses). Then the flip, then `rand_augment` and `augmix`."""

    crop: Annotated[int, Field(gt=0)] | None = None
    short_side: tuple[int, int] | None = None
    inverse: bool = False
    resized_crop: ResizedCrop | None = None
    rand_augment: RandAugment | None = None
    augmix: AugMix | None = None
    flip: Annotated[float, Field(ge=0, le=1)] = 0.5
    mixup: Annotated[float, Field(ge=0)] = 0.0
    cutmix: Annotated[float, Field(ge=0)] = 0.0
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0

    @model_validator(mode="after")
    def _ordered(self) -> Augment:
        if self.short_side is not None and not 0 < self.short_side[0] <= self.short_side[1]:
            raise ValueError("short_side is a range: the smaller size first")
        if self.resized_crop is not None and (self.short_side is not None or self.inverse):
            raise ValueError("resized_crop takes the place of short_side and inverse")
        return self


class Optimizer(Part):
    """`lr` is for the whole batch. Names that contain one of `no_decay` get no weight decay; `layer_decay` multiplies
    the rate once per layer of depth, the last layer keeping it; `rates` multiplies it for names that contain a key."""

    name: Literal["sgd", "adamw"] = "adamw"
    lr: Annotated[float, Field(gt=0)]
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    nesterov: bool = False
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    no_decay: tuple[str, ...] = ()
    layer_decay: Annotated[float, Field(gt=0, le=1)] = 1.0
    rates: dict[str, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)


class Schedule(Part):
    """The learning rate over epochs: linear warm-up from `warmup_start` of it, then constant, cosine down to `floor` of
    it, or times `gamma` at each milestone (in epochs)."""

    name: Literal["constant", "cosine", "step"] = "cosine"
    warmup_epochs: Annotated[float, Field(ge=0)] = 0.0
    warmup_start: Annotated[float, Field(ge=0, le=1)] = 0.0
    floor: Annotated[float, Field(ge=0, le=1)] = 0.0
    milestones: tuple[float, ...] = ()
    gamma: Annotated[float, Field(gt=0)] = 0.1

    @model_validator(mode="after")
    def _fitting(self) -> Schedule:
        if (self.name == "step") != bool(self.milestones):
            raise ValueError("milestones belong to the step schedule, which needs at least one")
        if list(self.milestones) != sorted(self.milestones):
            raise ValueError("milestones must increase")
        return self


class Loop(Part):
    """`batch` counts clips per optimiser step over all processes; each process computes its share in `accumulate`
    parts. With `shard` each process keeps only its part of gradients, optimiser and averages, and between steps of
    the weights (FSDP). After `max_bad_steps` steps without a finite loss or gradient training stops."""

    epochs: Annotated[int, Field(gt=0)]
    batch: Annotated[int, Field(gt=0)]
    accumulate: Annotated[int, Field(gt=0)] = 1
    clip_norm: Annotated[float, Field(gt=0)] | None = None
    ema: Annotated[float, Field(gt=0, lt=1)] | None = None
    precision: Literal["no", "bf16", "fp16"] = "no"
    compile: bool = False
    checkpointing: bool = False
    shard: bool = False
    max_bad_steps: Annotated[int, Field(gt=0)] = 10


class Evaluation(Part):
    """Multi-view testing: `clips` moments times `crops` squares per video, softmax scores averaged. Once every
    `every_epochs` epochs and at the end."""

    every_epochs: Annotated[int, Field(gt=0)] = 1
    clips: Annotated[int, Field(gt=0)] = 1
    crops: Annotated[int, Field(gt=0)] = 1


class Checkpoints(Part):
    """One at each epoch's end, and every `every_steps` steps; the newest `keep` stay."""

    every_steps: Annotated[int, Field(gt=0)] | None = None
    keep: Annotated[int, Field(gt=0)] = 2


class Recipe(Part):
    """Everything that determines a training run. `objective` says whether a video has one class, or none or several
    (cross-entropy and accuracy, or binary cross-entropy of each class and mean average precision)."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    seed: Annotated[int, Field(ge=0)] = 0
    objective: Literal["one_label", "multi_label"] = "one_label"
    model: Model
    data: Splits
    augment: Augment = Augment()
    optimizer: Optimizer
    schedule: Schedule = Schedule()
    loop: Loop
    evaluation: Evaluation = Evaluation()
    checkpoints: Checkpoints = Checkpoints()

    @model_validator(mode="after")
    def _fitting(self) -> Recipe:
        if self.objective == "multi_label" and self.augment.label_smoothing:
            raise ValueError("label_smoothing belongs to objective: one_label")
        return self

    def to_dict(self) -> dict[str, Any]:
        """Plain values, defaults written out."""
        plain: dict[str, Any] = json.loads(self.model_dump_json())
        return plain

    def digest(self) -> str:
        """Tells recipes apart that give other results; how data are read and checked, and
        whether the model is dealt out, makes no difference."""
        plain = self.to_dict()
        for key in ("workers", "check_content", "check_videos"):
            plain["data"].pop(key)
        plain["loop"].pop("shard")
        return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()

    def to_yaml(self) -> str:
        """The recipe with all defaults written out; reading it gives an equal recipe."""
        return yaml.safe_dump(self.to_dict(), sort_keys=False, allow_unicode=True)


def load_recipe(path: str | Path, overrides: Iterable[str] = ()) -> Recipe:
    """Read a recipe and apply overrides such as `optimizer.lr=0.01` (values are YAML).

    Raises ConfigError for YAML that cannot be read, a key that occurs twice, unknown keys (with the nearest valid
    one) and wrong values, all of them in one message; StorageError for a missing file.
    """
    path = Path(path)
    with storage_errors(path, "read"), path.open("rb") as file:
        raw = file.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        raise ConfigError(f"{path.name} is larger than {MAX_BYTES} bytes: this is no recipe.")
    values = parse_yaml(raw, path.name)
    if not isinstance(values, dict):
        raise ConfigError(f"{path.name} is not a table of keys and values: see the recipes folder for examples.")
    for override in overrides:
        apply_override(values, override)
    return build_recipe(values, path.name)


def build_recipe(values: Mapping[str, Any], name: str = "recipe") -> Recipe:
    """A recipe from plain values. Raises ConfigError listing every fault."""
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        faults = [_say(fault, values) for fault in error.errors()]
        raise ConfigError(f"{name}: " + "; ".join(dict.fromkeys(faults)) + ".") from None


def apply_override(values: dict[str, Any], override: str) -> None:
    """Set one value by its dotted key, in place; missing tables on the way are made.

    >>> values = {"optimizer": {"lr": 0.1}}
    >>> apply_override(values, "optimizer.lr=0.01")
    >>> values
    {'optimizer': {'lr': 0.01}}
    """
    key, equals, text = override.partition("=")
    parts = key.strip().split(".")
    if not equals or not all(parts):
        raise ConfigError(f"{override!r} is no override: write key=value, for example optimizer.lr=0.01.")
    value = parse_yaml(text.encode(), f"override {key}")
    for part in parts[:-1]:
        inner = values.setdefault(part, {})
        if not isinstance(inner, dict):
            raise ConfigError(f"{override!r}: {part!r} is a single value, nothing can be set inside it.")
        values = inner
    values[parts[-1]] = value


class _Loader(yaml.SafeLoader):
    """Refuses what makes YAML surprising: a key that occurs twice. Reads 1e-3 as a number."""


def _unique_mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[str] = set()
    for key_node, _ in node.value:
        key = str(key_node.value)
        if key in seen:
            line = key_node.start_mark.line + 1
            raise ConfigError(f"line {line}: the key {key!r} occurs twice in one table: remove one of them.")
        seen.add(key)
    return loader.construct_mapping(node, deep=True)


def _number(loader: _Loader, node: yaml.ScalarNode) -> Any:
    try:
        return float(node.value)
    except ValueError:
        return loader.construct_yaml_str(node)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _unique_mapping)
# YAML 1.1 reads 1e-3 as a text, because it wants 1.0e-3
_EXPONENT = re.compile(r"^[-+]?\d+(?:\.\d*)?[eE][-+]?\d+$")
_Loader.add_implicit_resolver("!exponent", _EXPONENT, list("-+0123456789"))
_Loader.add_constructor("!exponent", _number)


def parse_yaml(raw: bytes, name: str) -> Any:
    """One YAML document in plain types. Raises ConfigError with the line."""
    try:
        return yaml.load(raw, _Loader)
    except ConfigError as error:
        raise ConfigError(f"{name}: {error}") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"{name}, line {line}: this is not YAML ({error.problem}).") from None
    except (yaml.YAMLError, RecursionError, UnicodeDecodeError) as error:
        raise ConfigError(f"{name}: this is not YAML ({error}).") from None


def _say(fault: Any, values: Mapping[str, Any]) -> str:
    place = _place(fault["loc"])
    key = ".".join(map(str, place))
    if fault["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(place[-1]), list(_valid_keys(fault["loc"])), n=1, cutoff=0.5)
        hint = (
            f"did you mean {'.'.join([*map(str, place[:-1]), near[0]])!r}?"
            if near
            else (f"valid are {', '.join(_valid_keys(fault['loc']))}")
        )
        return f"unknown key {key!r}: {hint}"
    if fault["type"] == "missing":
        return f"{key} is missing"
    message = str(fault["msg"]).removeprefix("Value error, ")
    return f"{key}: {message[:1].lower()}{message[1:]}, not {_short(fault['input'])}"


def _place(location: tuple[Any, ...]) -> list[Any]:
    """Keys of the file: a choice between kinds of data puts the kind behind `data.train`, which is no key."""
    kind = location[:1] == ("data",) and len(location) > 2 and location[2] in KINDS
    return [*location[:2], *location[3:]] if kind else list(location)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _valid_keys(location: tuple[Any, ...]) -> Iterator[str]:
    part: type[BaseModel] = Recipe
    for depth, name in enumerate(location[:-1]):
        if depth == 2 and location[0] == "data" and name in KINDS:
            part = KINDS[str(name)]
            continue
        field = part.model_fields.get(str(name))
        inner = field.annotation if field else None
        # a part that may be left out is a union with None
        for choice in get_args(inner) or (inner,):
            if isinstance(choice, type) and issubclass(choice, BaseModel):
                part = choice
    yield from part.model_fields
