"""Text rows of 436 columns and files of boxes, as the released program writes and reads them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from onlooker.errors import ConfigError, RecordError
from onlooker.methods.recognition.dense_trajectories import CHANNELS, Trajectories, read_boxes
from onlooker.methods.recognition.dense_trajectories.rows import from_rows, read_rows, write_rows


def some(count: int = 3) -> Trajectories:
    rng = np.random.default_rng(0)
    pair = [rng.uniform(0, 90, (count, 2)).astype(np.float32) for _ in range(2)]
    one = [rng.uniform(1, 9, count).astype(np.float32) for _ in range(2)]
    described = [rng.random((count, width)).astype(np.float32) for width in CHANNELS.values()]
    points = rng.random((count, 16, 2)).astype(np.float32)
    return Trajectories(np.arange(15, 15 + count), points, pair[0], pair[1], one[0], one[1], *described)


def test_columns() -> None:
    found = some()
    rows = found.to_rows(width=100, height=50, frames=30, start=2)
    assert rows.shape == (3, 436)
    assert rows[:, 0].tolist() == [15, 16, 17]
    np.testing.assert_allclose(rows[:, 1:3], found.mean)
    np.testing.assert_allclose(rows[:, 3:5], found.std)
    np.testing.assert_allclose(rows[:, 5:7], np.column_stack((found.length, found.scale)))
    np.testing.assert_allclose(rows[:, 7], np.clip(found.mean[:, 0] / 100, 0, 0.999))
    np.testing.assert_allclose(rows[:, 8], np.clip(found.mean[:, 1] / 50, 0, 0.999))
    np.testing.assert_allclose(rows[:, 9], (np.arange(15, 18) - 7.5 - 2) / 30, rtol=1e-6)
    for name in CHANNELS:
        assert np.array_equal(from_rows(rows, name), found.channel(name))
    with pytest.raises(ConfigError, match="choose shape, hog"):
        from_rows(rows, "surf")


def test_text_comes_back(tmp_path: Path) -> None:
    rows = some().to_rows(100, 50, 30)
    write_rows(tmp_path / "rows.txt", rows)
    np.testing.assert_allclose(read_rows(tmp_path / "rows.txt"), rows, rtol=1e-6)
    write_rows(tmp_path / "none.txt", Trajectories.none().to_rows(100, 50, 30))
    assert read_rows(tmp_path / "none.txt").shape == (0, 436)


def test_every_faulty_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rows.txt"
    write_rows(path, some().to_rows(100, 50, 30))
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], lines[1][:40], lines[2].replace("\t", "\tx", 1)]))
    with pytest.raises(RecordError, match=r"(?s)rows.txt:2: .* instead of 436.*rows.txt:3: not all of it is numbers"):
        read_rows(path)
    with pytest.raises(RecordError, match="cannot be read"):
        read_rows(tmp_path / "absent.txt")


def test_boxes(tmp_path: Path) -> None:
    path = tmp_path / "boxes.txt"
    path.write_text("0 1 2 3 4 0.9 5 6 7 8 0.5\n1\n2\t1\t2\t3\t4\t0.9\n")
    boxes = read_boxes(path)
    assert [box.tolist() for box in boxes] == [[[1, 2, 3, 4], [5, 6, 7, 8]], [], [[1, 2, 3, 4]]]
    path.write_text("0\n2\n1 2 3\nx\n")
    with pytest.raises(RecordError, match=r"(?s)boxes.txt:2.*boxes.txt:3.*boxes.txt:4.*Every frame needs a line"):
        read_boxes(path)
