"""Which parts work on this machine; each is tried in a process of its own, so that a broken one breaks nothing else."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

TIMEOUT_SECONDS = 120


@dataclass(frozen=True)
class Check:
    """One thing to try: `code` prints one line about what it found, or raises."""

    name: str
    needed: bool
    code: str
    remedy: str


@dataclass(frozen=True)
class Finding:
    """What a check found. `works` is false for a broken or absent part; `detail` says which version or why not."""

    name: str
    needed: bool
    works: bool
    detail: str
    remedy: str | None


def _extra(name: str, module: str, extra: str) -> Check:
    code = f"import {module}, importlib.metadata as m; print(m.version({name!r}))"
    return Check(name, False, code, f"pip install 'onlooker[{extra}]'")


CHECKS = (
    Check("python", True, "import platform; print(platform.python_version())", "use Python 3.11 or newer"),
    Check(
        "decode and encode (av)",
        True,
        "import av; from av.codec import Codec; Codec('libx264', 'w'); Codec('aac', 'w'); Codec('h264', 'r');"
        "print(f'av {av.__version__}; ' + ', '.join(c for c in ('hevc', 'vp9', 'av1') if c in av.codecs_available))",
        "pip install --force-reinstall av",
    ),
    Check(
        "people detector (opencv)",
        True,
        "import cv2; cv2.HOGDescriptor_getDefaultPeopleDetector(); assert cv2.data.haarcascades;print(cv2.__version__)",
        "pip install --force-reinstall 'opencv-python-headless>=4.10,<5' (another OpenCV package may shadow it)",
    ),
    Check(
        "tables (pyarrow)", True, "import pyarrow.parquet, pyarrow; print(pyarrow.__version__)", "pip install pyarrow"
    ),
    Check(
        "models (torch)",
        True,
        "import torch; assert torch.ones(2).sum() == 2;"
        "gpu = torch.cuda.get_device_name(0) if torch.cuda.is_available() else 'no GPU: the CPU is used';"
        "print(f'{torch.__version__}; {gpu}')",
        "pip install --force-reinstall 'torch>=2.9'",
    ),
    _extra("accelerate", "accelerate", "train"),
    _extra("transformers", "transformers", "hub"),
    _extra("fastapi", "fastapi", "web"),
    _extra("ray", "ray", "ray"),
    _extra("cryptography", "cryptography", "vault"),
    _extra("faiss-cpu", "faiss", "ann"),
    _extra("onnx", "onnx", "onnx"),
    _extra("torchcodec", "torchcodec", "nvdec"),
)


def examine() -> list[Finding]:
    """All findings, in the order of `CHECKS`."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(_try, CHECKS))


def _try(check: Check) -> Finding:
    try:
        done = subprocess.run(
            [sys.executable, "-c", check.code], capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return Finding(check.name, check.needed, False, f"no answer within {TIMEOUT_SECONDS} s", check.remedy)
    if done.returncode == 0:
        return Finding(check.name, check.needed, True, done.stdout.strip().splitlines()[-1], None)
    absent = "ModuleNotFoundError" in done.stderr
    detail = "not installed" if absent else next(_reasons(done.stderr), f"exit code {done.returncode}")
    return Finding(check.name, check.needed, False, detail, check.remedy)


def _reasons(text: str) -> Iterator[str]:
    yield from (line.strip() for line in reversed(text.splitlines()) if line.strip())
