"""From a name to a checked detector: where it lies, what it calls a person, and that every weight fits."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from onlooker.errors import ConfigError, MissingDependency, UnsafeCheckpoint, WeightsError

if TYPE_CHECKING:
    from onlooker.methods.detection.detr.model import Detr

HUB = "hf://"
OPTIONS = ("person", "every", "revision")


@dataclass(frozen=True)
class Config:
    """`folder`: a local path or `hf://org/name`. `person`: the label that means a person, None to find it.

    `every`: seconds of media time between two looks of the network, 0 for every frame; between them the boxes follow
    the optical flow. `report`: lowest score given out.
    """

    folder: str
    person: str | None = None
    every: float = 0.2
    revision: str | None = None
    report: float = 0.1


def load_detr(name: str) -> Detr:
    """The detector in a local folder or at `hf://org/name`, with options after a question mark.

    `models/rtdetr`, `hf://org/name?person=pedestrian&every=0`. Only `hf://` uses the network.

    Errors: ConfigError (no such folder, unknown option, no person label), MissingDependency (extra `hub`),
    UnsafeCheckpoint (weights only as a pickle), IncompatibleCheckpoint (keys that do not fit), WeightsError.
    """
    config = parse(name)
    if not config.folder.startswith(HUB):
        _check_folder(config.folder)
    if importlib.util.find_spec("transformers") is None:
        raise MissingDependency(
            f"the detector '{name}' needs transformers: install the extra with pip install 'onlooker[hub]', "
            "or use --detector embedded."
        )
    from onlooker.methods.detection.detr.model import Detr

    folder = _download(config) if config.folder.startswith(HUB) else Path(config.folder)
    return Detr(folder, config)


def parse(name: str) -> Config:
    """The configuration that a name such as `hf://org/name?person=pedestrian` stands for."""
    folder, _, query = name.partition("?")
    options = dict(parse_qsl(query, keep_blank_values=True))
    for option in options:
        if option not in OPTIONS:
            raise ConfigError(f"detector '{name}': unknown option '{option}', choose from {', '.join(OPTIONS)}.")
    if folder.startswith(HUB) and folder.count("/") != 3:
        raise ConfigError(f"detector '{name}': write hf://org/name.")
    try:
        every = float(options.get("every", Config.every))
    except ValueError as error:
        raise ConfigError(f"detector '{name}': every={options['every']} is not a number of seconds.") from error
    if not 0 <= every < float("inf"):
        raise ConfigError(f"detector '{name}': every={every} must be 0 or more seconds.")
    return Config(folder, options.get("person"), every, options.get("revision"))


def _check_folder(folder: str) -> None:
    path = Path(folder)
    if not path.is_dir():
        raise ConfigError(
            f"there is no detector '{folder}': choose embedded, none, a folder in transformers format or hf://org/name."
        )
    if not (path / "config.json").is_file():
        raise ConfigError(f"{folder}: no config.json in it, so it is no model in transformers format.")
    if not list(path.glob("*.safetensors")):
        raise UnsafeCheckpoint(
            f"{folder}: no .safetensors file in it. Pickled weights are not opened: have the model saved again with "
            "save_pretrained(..., safe_serialization=True)."
        )


def _download(config: Config) -> Path:
    from huggingface_hub import snapshot_download

    try:
        folder = snapshot_download(
            config.folder.removeprefix(HUB), revision=config.revision, allow_patterns=["*.json", "*.safetensors"]
        )
    except Exception as error:  # the hub's errors have no common base class
        raise WeightsError(
            f"{config.folder}: could not be fetched ({type(error).__name__}: {str(error).splitlines()[0][:200]}). "
            "Check the name and the network, or download the folder yourself and pass its path."
        ) from error
    _check_folder(folder)
    return Path(folder)


def person_label(labels: dict[int, str], wanted: str | None, where: str) -> int:
    """The class index of people: the label asked for, else the one called person, people or pedestrian."""
    names = {str(label).strip().lower(): index for index, label in labels.items()}
    for candidate in (wanted.strip().lower(),) if wanted else ("person", "people", "pedestrian", "human"):
        if candidate in names:
            return names[candidate]
    known = ", ".join(list(names)[:12]) + (", ..." if len(names) > 12 else "")
    asked = f"no label '{wanted}'" if wanted else "no label that means a person"
    raise ConfigError(f"{where}: {asked} among its {len(names)} ({known}). Name it: '{where}?person=LABEL'.")


def read_preprocessor(folder: Path) -> dict[str, Any]:
    """The folder's preprocessor_config.json, empty without one."""
    path = folder / "preprocessor_config.json"
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ConfigError(f"{path.name} in {folder.name} is not JSON ({error}).") from error
    return dict(content)
