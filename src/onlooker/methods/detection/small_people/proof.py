"""The experiment: the embedded detector with the network against the same detector without it, on unseen scenes.

Both see the same rendered scenes in order, with the same cues beside the network (HOG, cascades, motion); each has the
weights of its own fit. Places, people and clothes of these scenes are drawn from seeds that no training used.
"""

from __future__ import annotations

import numpy as np
import torch

from onlooker.methods.claim import Claim
from onlooker.methods.detection.embedded_people.model import EmbeddedPeople
from onlooker.methods.detection.embedded_people.scenes import make_scene, moments
from onlooker.methods.detection.small_people.accuracy import FrameScore, average_precision, recall, score_frame
from onlooker.methods.detection.small_people.shipped import load_shipped

CLAIM = Claim(
    mechanism="fused",
    baseline="classic",
    text="average precision at IoU 0.5 on unseen scenes of the world: network, HOG, cascades and motion weighed "
    "together, against the same without the network",
    paper="no paper claims this; CenterNet (arXiv:1904.07850) shows heat maps at work on photographs",
)

SCENES, SECONDS, SETTLED = 5, 4.0, 1.0


def run(seed: int, device: str = "cpu") -> dict[str, float]:
    """Average precision of both detectors and of the network alone on five scenes, and recall at score 0.5.

    >>> sorted(run(0))  # doctest: +SKIP
    ['classic', 'classic_recall', 'fused', 'fused_recall', 'network']
    """
    del device  # the embedded detector runs on the CPU
    fused, classic, network = [], [], []
    for number in range(SCENES):
        world = make_scene(1000 + seed, number, "test", SECONDS)
        detectors = {"default": EmbeddedPeople(), "classic": EmbeddedPeople("classic")}
        states = {name: detector.init_state(*world.size) for name, detector in detectors.items()}
        for index, moment in enumerate(moments(world)):
            row: dict[str, FrameScore] = {}
            for name, detector in detectors.items():
                times = np.array([moment.time])
                (found,), states[name] = detector.run(moment.image[None], times, states[name])
                boxes, scores = found.boxes.astype(float), found.scores.astype(float)
                row[name] = score_frame(index, boxes, scores, moment.people, moment.ignore)
            if moment.time < SETTLED:
                continue
            with torch.inference_mode():
                alone = load_shipped()[0].detect(moment.image)
            fused.append(row["default"])
            classic.append(row["classic"])
            network.append(score_frame(index, alone.boxes, alone.scores, moment.people, moment.ignore))
    return {
        "fused": average_precision(fused),
        "classic": average_precision(classic),
        "network": average_precision(network),
        "fused_recall": recall(fused, 0.5)[0],
        "classic_recall": recall(classic, 0.5)[0],
    }
