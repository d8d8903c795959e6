"""Where and with what something was measured: processor, versions, commit. No host or user names."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from onlooker.video.conformance.machine import processor

PACKAGES = ("torch", "numpy", "accelerate")


def describe_machine(device: str = "cpu") -> dict[str, Any]:
    """Processor, cores that may be used, threads of torch, the accelerator if one is used, and versions."""
    import torch

    facts: dict[str, Any] = {
        "cpu": processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "threads": torch.get_num_threads(),
        "system": f"{platform.system()} {platform.machine()}",
        "device": device,
        "versions": {"python": platform.python_version(), **versions()},
    }
    if device.startswith("cuda"):
        facts["accelerator"] = torch.cuda.get_device_name(device)
    return facts


def versions() -> dict[str, str]:
    """Versions of Onlooker and of the packages that results depend on."""
    from onlooker import __version__

    found = {"onlooker": __version__}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def commit(*folders: Path) -> str | None:
    """The commit of the source that runs, with "+changes" when files in `folders` differ from it; None outside a
    checkout."""
    here = Path(__file__).resolve().parent
    head = _git(here, "rev-parse", "HEAD")
    if head is None or _git(here, "ls-files", "--error-unmatch", "__init__.py") is None:
        return None
    return head + ("+changes" if _git(here, "status", "--porcelain", "--", *map(str, folders or (here,))) else "")


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
