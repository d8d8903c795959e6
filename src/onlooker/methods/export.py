"""A trained clip classifier as a graph that runs without Onlooker: `torch.export`, or ONNX."""

from __future__ import annotations

import importlib
import importlib.util
import io
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onlooker.errors import ConfigError, MissingDependency, WeightsError
from onlooker.methods.recognition.recogniser import Recogniser, open_recogniser
from onlooker.storage import atomic_write

if TYPE_CHECKING:
    from torch import Tensor

FORMATS = {"torch": ".pt2", "onnx": ".onnx"}
ONNX_PACKAGES = ("onnx", "onnxscript")
AGREEMENT = 1e-3  # largest difference of logits that the written graph may have, relative to the largest of them


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: `shape` is the clip's, with "batch" where any number fits; `apart` the largest difference of
    the graph's logits from the model's on a random clip, relative to the largest, None where the graph was not run."""

    out: Path
    format: str
    source: str
    shape: tuple[str | int, ...]
    apart: float | None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        facts = {"out": str(self.out), "format": self.format, "source": self.source}
        return {**facts, "input": list(self.shape), "apart": self.apart}


def export(name: str, out: str | Path, *, weights: str | None = None, format: str = "torch") -> Exported:
    """Write the classifier in `name` (a weights file, or a method with `weights`) as a graph to `out`.

    The graph takes the normalised clip `(batch, time, 3, height, width)` of the weights' specification, with any batch,
    and gives logits. Labels, preprocessing and the card go with it: in the `.pt2` as extra file `onlooker.json`, in
    ONNX as metadata `onlooker`. The graph is run on a random clip before it is written, and must agree with the model.

    Raises ConfigError, MissingDependency for ONNX without its packages, WeightsError for a model that has no graph or
    whose graph disagrees.
    """
    out = Path(out)
    if format not in FORMATS:
        raise ConfigError(f"no format {format!r}: choose {' or '.join(FORMATS)}.")
    if out.suffix != FORMATS[format]:
        raise ConfigError(f"{out.name}: a graph for {format} ends in {FORMATS[format]}.")
    if not out.parent.is_dir():
        raise ConfigError(f"{out.parent}: no such folder. Create it, or choose another place.")
    if format == "onnx":
        require_onnx()
    recogniser = open_recogniser(name, weights)
    spec = recogniser.spec
    write = _write_torch if format == "torch" else _write_onnx
    apart = write(recogniser, out)
    return Exported(out, format, recogniser.source, ("batch", spec.frames, 3, spec.crop, spec.crop), apart)


def require_onnx() -> None:
    """Raise MissingDependency unless the packages that write ONNX are there."""
    if missing := [name for name in ONNX_PACKAGES if importlib.util.find_spec(name) is None]:
        raise MissingDependency(
            f"ONNX needs {' and '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed: "
            "pip install 'onlooker[onnx]'."
        )


def _example(recogniser: Recogniser, batch: int) -> Tensor:
    import torch

    spec = recogniser.spec
    shape = (batch, spec.frames, 3, spec.crop, spec.crop)
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def _graph(recogniser: Recogniser) -> Any:
    """The model as a graph with any batch. Two clips, since a batch of one would be taken for a constant.

    Gradients are on: what a model does otherwise without them may depend on how many clips there are.
    """
    import torch

    dynamic = ({0: torch.export.Dim("batch")},)
    try:
        with torch.enable_grad():
            return torch.export.export(recogniser.model, (_example(recogniser, 2),), dynamic_shapes=dynamic)
    except Exception as error:
        reason = " ".join(str(error).split())[:300]
        raise WeightsError(
            f"{recogniser.source} cannot be written as a graph: its forward pass is no plain tensor code "
            f"({type(error).__name__}: {reason})."
        ) from error


def _write_torch(recogniser: Recogniser, out: Path) -> float:
    import torch

    graph = _graph(recogniser)
    with tempfile.TemporaryDirectory(prefix="onlooker-export-") as folder:
        path = Path(folder) / "graph.pt2"
        torch.export.save(graph, path, extra_files={"onlooker.json": facts_of(recogniser)})
        apart = _apart(recogniser, torch.export.load(path).module())
        atomic_write(out, path.read_bytes())
    return apart


def _write_onnx(recogniser: Recogniser, out: Path) -> float | None:
    import torch

    with tempfile.TemporaryDirectory(prefix="onlooker-export-") as folder:
        path = Path(folder) / "graph.onnx"
        graph = _graph(recogniser)
        with _quiet():
            program = torch.onnx.export(graph, (), input_names=["clip"], output_names=["logits"], dynamo=True)
        if program is None:
            raise WeightsError(f"{recogniser.source}: the ONNX exporter gave nothing.")
        program.model.metadata_props["onlooker"] = facts_of(recogniser)
        program.save(path, external_data=False)
        apart = None
        if importlib.util.find_spec("onnxruntime") is not None:
            session = importlib.import_module("onnxruntime").InferenceSession(
                str(path), providers=["CPUExecutionProvider"]
            )
            name = session.get_inputs()[0].name
            apart = _apart(recogniser, lambda clip: torch.from_numpy(session.run(None, {name: clip.numpy()})[0]))
        atomic_write(out, path.read_bytes())
    return apart


@contextmanager
def _quiet() -> Iterator[None]:
    """The exporter speaks of packages that are not needed, and prints its progress."""
    import logging
    import warnings

    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _apart(recogniser: Recogniser, graph: Callable[[Tensor], Tensor]) -> float:
    """How far the graph is from the model, on another number of clips than it was made with. Raises WeightsError."""
    import torch

    clip = _example(recogniser, 3)
    with torch.no_grad():
        wanted, found = recogniser.model(clip), graph(clip)
    apart = float((wanted - found).abs().max() / wanted.abs().max().clamp_min(1e-12))
    if not apart <= AGREEMENT:
        raise WeightsError(f"{recogniser.source}: the graph's logits are {apart:.2g} off; nothing was written.")
    return apart


def facts_of(recogniser: Recogniser) -> str:
    """What whoever runs the graph must know, as JSON text."""
    return json.dumps(
        {
            "source": recogniser.source,
            "licence": recogniser.licence,
            "labels": list(recogniser.labels),
            "spec": recogniser.spec.to_dict(),
            "input": "normalised RGB clip (batch, time, channel, height, width), float32",
            "output": "logits (batch, classes)",
        },
        sort_keys=True,
    )
