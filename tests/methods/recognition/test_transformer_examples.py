"""Examples in docstrings and shape annotations of VideoMAE, VidTr, MViT and DCFormer hold."""

from __future__ import annotations

import doctest
import importlib
import os
import pkgutil
import subprocess
import sys

import pytest

METHODS = ("videomae", "vidtr", "mvit", "dcformer")
MODULES = [
    f"onlooker.methods.recognition.{method}.{module.name}"
    for method in METHODS
    for module in pkgutil.iter_modules(importlib.import_module(f"onlooker.methods.recognition.{method}").__path__)
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


CHECKED = """
import jaxtyping, torch
torch.set_num_threads(1)
names = ("videomae", "vidtr", "mvit", "dcformer")
hooked = ["onlooker.nn", *(f"onlooker.methods.recognition.{name}" for name in names)]
with jaxtyping.install_import_hook(hooked, "beartype.beartype"):
    from onlooker.methods.loading import load
    from onlooker.methods.registry import find
    for name in names:
        tiny = dict(find(name).load("model").TINY)
        model = load(name, settings=tiny)
        shape = (2, model.spec.frames, 3, model.spec.crop, model.spec.crop)
        assert model(torch.zeros(shape)).shape == (2, tiny["classes"])
        wide = torch.zeros(1, model.spec.frames, 3, model.spec.crop, 2 * model.spec.crop)
        assert model(wide).shape == (1, tiny["classes"])
        try:
            model(torch.zeros(2, 3, 16, 16))
        except jaxtyping.TypeCheckError:
            print(name)
    for settings in ({"kind": "compact", "pooling": "0:1"}, {"kind": "merge_later"}, {"reproject": True}):
        model = load("vidtr", settings={**find("vidtr").load("model").TINY, **settings})
        assert model(torch.zeros(2, 4, 3, 16, 16)).shape == (2, 5)
"""


def test_shape_annotations_hold_at_run_time() -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", CHECKED], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split() == list(METHODS)
