"""Opens a pickled checkpoint in a child process that may only build tensors, and writes them as safetensors.

`extract` is the parent's side, `child` the child's. Pickles are opened nowhere else. The child loads
with `weights_only=True` and never tries another way, under limits on memory, time and what it writes.
"""

from __future__ import annotations

import argparse
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from onlooker.errors import ConfigError, UnsafeCheckpoint, WeightsError
from onlooker.storage import TEMP_PREFIX, require_space, storage_errors
from onlooker.weights.header import read_header

if TYPE_CHECKING:
    from torch import Tensor

GIB = 1024**3
MAX_FILE = 64 * GIB
SECONDS = 600
WRAPPERS = ("model_state", "state_dict", "model", "module", "model_state_dict", "net", "teacher")
"""Where training programs keep the weights inside the file, in the order they are looked for."""

REFUSED, DAMAGED, EMPTY, TOO_LARGE = 10, 11, 12, 13


@contextmanager
def extract(file: Path, folder: Path, *, seconds: int = SECONDS) -> Iterator[Path]:
    """A temporary safetensors file in `folder` with every tensor of the pickle `file`, under its original names.

    The names keep wrappers' prefixes. Raises ConfigError when there is no such file, UnsafeCheckpoint when the pickle
    wants to run code or passes a limit, WeightsError when it is damaged or holds no tensors.
    """
    if not file.is_file():
        raise ConfigError(f"{file.name}: no such file (looked in {file.parent.absolute()}). Check the path.")
    size = file.stat().st_size
    if size > MAX_FILE:
        raise UnsafeCheckpoint(f"{file.name}: {size} bytes; the limit for a pickled checkpoint is {MAX_FILE}.")
    require_space(folder, size)
    with storage_errors(folder, "write to"), TemporaryDirectory(prefix=TEMP_PREFIX, dir=folder) as temporary:
        target = Path(temporary) / "tensors.safetensors"
        _run_child(file, target, memory=GIB + 4 * size, disk=size + GIB, seconds=seconds)
        read_header(target)
        yield target


def _run_child(file: Path, target: Path, *, memory: int, disk: int, seconds: int) -> None:
    # isolated mode ignores PYTHONPATH, so the child is told where this package lies
    root = str(Path(__file__).parents[2])
    start = f"import sys; sys.path.append({root!r}); from onlooker.weights.unpickle import child; child()"
    command = [sys.executable, "-I", "-c", start, str(file.resolve()), str(target.resolve())]
    command += [str(memory), str(disk), str(seconds)]
    environment = {"PATH": os.defpath, "OMP_NUM_THREADS": "1", "HOME": str(target.parent), "LC_ALL": "C.UTF-8"}
    try:
        done = subprocess.run(
            command, env=environment, cwd=target.parent, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds
        )
    except subprocess.TimeoutExpired:
        raise UnsafeCheckpoint(f"{file.name}: not read within {seconds} s, so it was stopped.") from None
    if done.returncode == 0:
        return
    reason = done.stdout.decode(errors="replace").strip()[:400] or "no reason given"
    if done.returncode == REFUSED:
        raise UnsafeCheckpoint(
            f"{file.name}: holds more than tensors and plain values, so opening it could run code; it was not opened "
            f"({reason}). Get the weights as safetensors, or as a plain state dict, from their publisher."
        )
    if done.returncode == EMPTY:
        raise WeightsError(f"{file.name}: no table of tensors in it ({reason}). Is this a checkpoint?")
    if done.returncode == DAMAGED:
        raise WeightsError(f"{file.name}: cannot be read, it is damaged or cut short ({reason}). Fetch it again.")
    if done.returncode == TOO_LARGE or done.returncode < 0:
        raise UnsafeCheckpoint(
            f"{file.name}: reading it was stopped because it wants more memory, time or disk than a file of its size "
            "justifies. Nothing was written; get the weights from another source."
        )
    trace = done.stderr.decode(errors="replace").strip().splitlines()
    raise WeightsError(f"{file.name}: the converting process failed ({trace[-1] if trace else done.returncode}).")


def _limit(memory: int, disk: int, seconds: int) -> None:
    if sys.platform == "win32":
        return
    import resource

    limits = {resource.RLIMIT_FSIZE: disk, resource.RLIMIT_CPU: seconds, resource.RLIMIT_CORE: 0}
    pages = Path("/proc/self/statm")
    if pages.exists():
        # what torch maps at start differs by gigabytes between builds: the limit counts from there
        limits[resource.RLIMIT_AS] = memory + int(pages.read_text().split()[0]) * resource.getpagesize()
    for limit, value in limits.items():
        _, hard = resource.getrlimit(limit)
        bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (bound, bound))


def child() -> None:
    """Load, find the tensors, write them. The exit code says how it went, standard output why."""
    file, target, *limits = sys.argv[1:]
    import torch

    _limit(*map(int, limits))
    try:
        # Namespace holds the arguments of many training programs; it runs nothing when it is built
        with torch.serialization.safe_globals([argparse.Namespace]):
            content = torch.load(file, map_location="cpu", weights_only=True)
        sys.exit(_write(content, target))
    except pickle.UnpicklingError as error:
        reason = str(error.__context__ or error).strip()
        sys.stdout.write(reason.splitlines()[-1] if reason else "")
        sys.exit(DAMAGED if "truncated" in reason else REFUSED)
    except Exception as error:
        out_of_memory = isinstance(error, MemoryError) or "allocate memory" in str(error)
        sys.stdout.write(f"{type(error).__name__}: {str(error).splitlines()[0][:160] if str(error) else ''}")
        sys.exit(TOO_LARGE if out_of_memory else DAMAGED)


def _write(content: Any, target: str) -> int:
    from safetensors.torch import save_file

    tensors = find_tensors(content)
    if not tensors:
        sys.stdout.write(f"top level: {type(content).__name__}")
        return EMPTY
    save_file({name: tensor.contiguous().clone() for name, tensor in tensors.items()}, target)
    return 0


def find_tensors(content: Any) -> dict[str, Tensor]:
    """The table of tensors in a loaded checkpoint: below the first known wrapper, or the content itself."""
    import torch

    for name in WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(name), dict):
            found = find_tensors(content[name])
            if found:
                return found
    if not isinstance(content, dict):
        return {}
    return {str(key): value for key, value in content.items() if isinstance(value, torch.Tensor)}
