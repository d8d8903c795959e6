"""The Python of every method's card runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import onlooker.methods

CARDS = sorted(Path(onlooker.methods.__file__).parent.rglob("README.md"))


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.parent.name)
def test_the_example_of_a_card_runs(card: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```python\n(.*?)^```$", card.read_text(encoding="utf-8"), re.M | re.S)
    assert blocks, f"{card.parent.name} has no example"
    exec("\n".join(blocks), {"__name__": card.parent.name})
