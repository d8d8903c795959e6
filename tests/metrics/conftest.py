"""Makes `made` of this folder importable under importlib mode, and names the fixtures of the metrics."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def parity_folder(parity: Path) -> Path:
    """The recorded numbers of the original evaluators."""
    return parity / "metrics_mot_det"
