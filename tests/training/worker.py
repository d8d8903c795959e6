"""A training run in a process of its own: `python worker.py OUT [STEP_TO_DIE_AT [shard]]`, alone or under torchrun."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import onlooker.training.run as run
from conftest import Colours, tiny_recipe

SOURCES = {"train": Colours(24), "val": Colours(9, split="val")}


def main() -> None:
    die_at = int(sys.argv[2]) if len(sys.argv) > 2 else 0

    def tell(phase: str, done: int, total: int) -> None:
        if phase == "train" and done == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    run.open_source = lambda data, base: SOURCES[data.path]
    settings = {"frames": 2, "size": 16, "patch": 8, "dim": 16, "depth": 2, "heads": 2, "drop_path": 0.0}
    loop = {"accumulate": 2, "clip_norm": 1.0, "ema": 0.9, "shard": "shard" in sys.argv}
    recipe = tiny_recipe(model={"settings": settings}, loop=loop)
    run.train(recipe, sys.argv[1], device="cpu", tell=tell)


if __name__ == "__main__":
    main()
