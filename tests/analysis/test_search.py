"""Search by example: what all embeddings of a network share says nothing about any of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from onlooker.analysis import search
from onlooker.analysis.tables import rows_table
from onlooker.errors import ConfigError
from onlooker.records import RunWriter

SOURCE = "network@1"


class _Recogniser:
    source = SOURCE


def _run(folder: Path, vectors: np.ndarray) -> Path:
    with RunWriter.create_or_resume(folder) as writer:
        rows = [
            {
                "video": folder.name,
                "track_id": None,
                "start": float(k),
                "end": k + 1.0,
                "vector": vector,
                "source": SOURCE,
            }
            for k, vector in enumerate(vectors.astype(np.float32))
        ]
        writer.append("embeddings", rows_table("embeddings", rows))
        writer.commit(0)
        writer.finish()
    return folder


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch):
    def give(vector: np.ndarray) -> None:
        monkeypatch.setattr(search, "open_recogniser", lambda *_: _Recogniser())
        monkeypatch.setattr(search, "_example", lambda *_: vector.astype(np.float32)[None])

    return give


def test_similarities_are_of_what_differs(tmp_path: Path, example) -> None:
    """All vectors share a large part; only what is left of them tells them apart."""
    rng = np.random.default_rng(0)
    vectors = 10 + rng.normal(size=(60, 16))
    _run(tmp_path / "one", vectors[:30])
    _run(tmp_path / "two", vectors[30:])
    example(vectors[41] + 0.1 * rng.normal(size=16))
    best, second, *_ = search.search_like("clip.mp4", [tmp_path], backbone="network")
    assert (best.video, best.start) == ("two", 11.0)
    assert best.similarity > 0.95
    assert second.similarity < 0.8


def test_few_embeddings_are_compared_as_they_are(tmp_path: Path, example) -> None:
    _run(tmp_path / "one", np.array([[1.0, 0.0], [1.0, 1.0], [-1.0, 0.0]]))
    example(np.array([2.0, 0.0]))
    found = search.search_like("clip.mp4", [tmp_path], backbone="network")
    assert [one.similarity for one in found] == pytest.approx([1.0, 2**-0.5, -1.0])


def test_embeddings_of_another_width_are_refused(tmp_path: Path, example) -> None:
    _run(tmp_path / "one", np.ones((40, 3)))
    _run(tmp_path / "two", np.ones((40, 2)))
    example(np.array([2.0, 0.0, 1.0]))
    with pytest.raises(ConfigError, match="two: its embeddings are not of 3 numbers"):
        search.search_like("clip.mp4", [tmp_path], backbone="network")


def test_where_nothing_was_seen_there_is_nothing_to_find(tmp_path: Path, example) -> None:
    vectors = np.zeros((40, 8))
    vectors[:3] = np.random.default_rng(0).normal(size=(3, 8))
    _run(tmp_path / "one", vectors)
    _run(tmp_path / "still", np.zeros((4, 8)))
    example(vectors[1])
    found = search.search_like("clip.mp4", [tmp_path], backbone="network")
    assert sorted(one.start for one in found) == [0.0, 1.0, 2.0]
    assert found[0].start == 1.0
    assert search.search_like("clip.mp4", [tmp_path / "still"], backbone="network") == []
    example(np.zeros(8))
    with pytest.raises(ConfigError, match=r"^clip\.mp4: next to nothing moves in it"):
        search.search_like("clip.mp4", [tmp_path], backbone="network")
