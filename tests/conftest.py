"""Where the real clips and parity fixtures are, and an environment without network for every test."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with `clips/` and `parity/`; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("ONLOOKER_SHARED", REPOSITORY.parent / "shared")).resolve()
    if not folder.is_dir():
        pytest.skip(f"no shared folder at {folder}: set ONLOOKER_SHARED to run this test")
    return folder


@pytest.fixture(scope="session")
def clips(shared: Path) -> Path:
    """Real video, see its README."""
    return shared / "clips"


@pytest.fixture(scope="session")
def parity(shared: Path) -> Path:
    """Recorded inputs and outputs of original implementations with random weights."""
    return shared / "parity"
