"""The detector: own preprocessing in torch, strict loading, and boxes in displayed pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor, nn

from onlooker.errors import IncompatibleCheckpoint, WeightsError
from onlooker.methods.detection.detr.loading import Config, person_label, read_preprocessor
from onlooker.methods.detection.flow import move_boxes
from onlooker.records.frames import Detections
from onlooker.storage import sha256_of

State = dict[str, Any]
WORK_SIDE = 480


@dataclass(frozen=True)
class Preprocessing:
    """How a picture becomes the network's input.

    Either `exact` (height, width), or the short side `shortest` with the long one at most `longest`. Values are
    multiplied by `rescale`, then `mean` is taken off and the result divided by `std`.
    """

    exact: tuple[int, int] | None
    shortest: int
    longest: int
    rescale: float
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @classmethod
    def of(cls, content: dict[str, Any]) -> Preprocessing:
        """From preprocessor_config.json, with DETR's values where it says nothing."""
        size = content.get("size", {})
        if isinstance(size, int):
            size = {"shortest_edge": size, "longest_edge": content.get("max_size", 1333)}
        exact = (int(size["height"]), int(size["width"])) if "height" in size else None
        normalise = content.get("do_normalize", True)
        mean = content.get("image_mean", [0.485, 0.456, 0.406]) if normalise else [0.0, 0.0, 0.0]
        std = content.get("image_std", [0.229, 0.224, 0.225]) if normalise else [1.0, 1.0, 1.0]
        rescale = float(content.get("rescale_factor", 1 / 255)) if content.get("do_rescale", True) else 1.0
        short, long = int(size.get("shortest_edge", 800)), int(size.get("longest_edge", 1333))
        return cls(exact, short, long, rescale, tuple(mean), tuple(std))

    def target(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of the network's input for a picture of this size."""
        if self.exact is not None:
            return self.exact
        scale = min(self.shortest / min(height, width), self.longest / max(height, width))
        return max(round(height * scale), 1), max(round(width * scale), 1)

    def __call__(self, image: NDArray[np.uint8]) -> Float[Tensor, "1 3 height width"]:
        """One RGB picture as a normalised tensor."""
        pixels = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].float()
        size = self.target(image.shape[0], image.shape[1])
        pixels = nn.functional.interpolate(pixels, size=size, mode="bilinear", antialias=True, align_corners=False)
        mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (self.mean, self.std))
        return (pixels.round().clamp(0, 255) * self.rescale - mean) / std


class Detr:
    """People by a DETR-family network (Carion et al., arXiv:2005.12872, and its successors) in transformers format.

    The network looks every `config.every` seconds of media time; between, the boxes follow the optical flow.
    """

    def __init__(self, folder: Path, config: Config) -> None:
        self.config = config
        self.preprocess = Preprocessing.of(read_preprocessor(folder))
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        network = _load(folder, config.folder)
        self.labels = {int(index): str(label) for index, label in network.config.id2label.items()}
        self.person = person_label(self.labels, config.person, config.folder)
        self.source = f"{network.config.model_type}/{Path(config.folder).name}@{_digest(folder)}"
        self._network: Callable[..., Any] = network.to(self.device).eval()

    def init_state(self, width: int, height: int) -> State:
        """The state before the first frame; `width` and `height` are displayed pixels."""
        return {"last": None, "grey": np.zeros((0, 0), np.uint8), "boxes": np.zeros((0, 4)), "scores": np.zeros(0)}

    def run(
        self, images: NDArray[np.uint8], times: NDArray[np.float64], state: State
    ) -> tuple[list[Detections], State]:
        """One `Detections` (label "person") per frame of `images` uint8 RGB `(time, height, width, 3)`.

        Frames go through the network one by one: a batch would make the last bits depend on its size.
        """
        found = []
        for image, time in zip(images, times, strict=True):
            state = self._step(image, float(time), state)
            boxes = state["boxes"].astype(np.float32)
            found.append(Detections(boxes, state["scores"].astype(np.float32), ("person",) * len(boxes)))
        return found, state

    def _step(self, image: NDArray[np.uint8], time: float, state: State) -> State:
        scale = min(1.0, WORK_SIDE / max(image.shape[:2]))
        small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else image
        grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
        last = state["last"]
        due = last is None or not 0 <= time - last < self.config.every - 1e-6
        if due or state["grey"].shape != grey.shape:
            boxes, scores = self.look(image)
            return {"last": time, "grey": grey, "boxes": boxes, "scores": scores}
        moved, _ = move_boxes(state["grey"], grey, state["boxes"] * scale)
        return {**state, "grey": grey, "boxes": moved / scale}

    def look(self, image: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Boxes `(n, 4)` xyxy in pixels and scores of the people in one picture, best first."""
        with torch.inference_mode():
            output = self._network(pixel_values=self.preprocess(image).to(self.device))
        chance = probabilities(output.logits[0].float(), len(self.labels))[:, self.person].cpu().double().numpy()
        centre = output.pred_boxes[0].float().cpu().double().numpy()
        rows = np.flatnonzero(chance >= self.config.report)
        rows = rows[np.argsort(-chance[rows], kind="stable")]
        half = centre[rows, 2:] / 2
        boxes = np.concatenate([centre[rows, :2] - half, centre[rows, :2] + half], 1).clip(0, 1)
        height, width = image.shape[:2]
        return boxes * np.array([width, height, width, height]), chance[rows]


def probabilities(logits: Float[Tensor, "queries classes"], labels: int) -> Float[Tensor, "queries labels"]:
    """Class probabilities: softmax where the last class means "nothing" (DETR), sigmoid otherwise (RT-DETR and kin)."""
    if logits.shape[-1] == labels + 1:
        return logits.softmax(-1)[:, :-1]
    return logits.sigmoid()


def _load(folder: Path, name: str) -> Any:
    from transformers import AutoModelForObjectDetection

    try:
        network, report = AutoModelForObjectDetection.from_pretrained(
            str(folder), local_files_only=True, use_safetensors=True, output_loading_info=True, trust_remote_code=False
        )
    except Exception as error:  # transformers raises whatever its parts raise
        reason = str(error).strip().splitlines()[0][:300] if str(error).strip() else "no reason given"
        raise WeightsError(
            f"{name}: transformers cannot load it as an object detector ({type(error).__name__}: {reason})."
        ) from error
    missing, unexpected = sorted(report["missing_keys"]), sorted(report["unexpected_keys"])
    mismatched = sorted(str(item[0] if isinstance(item, tuple) else item) for item in report["mismatched_keys"])
    if missing or unexpected or mismatched:
        raise IncompatibleCheckpoint(
            f"{name}: the weights do not fit config.json; missing: {missing}; unexpected: {unexpected}; "
            f"other shapes: {mismatched}. Fetch the folder again, or take the config that belongs to these weights.",
            missing=missing,
            unexpected=unexpected,
            mismatched=mismatched,
        )
    return network


def _digest(folder: Path) -> str:
    return "-".join(sha256_of(path)[:12] for path in sorted(folder.glob("*.safetensors")))


def measure(variant: str = "folder") -> dict[str, int]:
    """No network of its own: what there is to count comes with the folder that is loaded."""
    del variant
    return {"parameters": 0, "multiply_adds": 0}
