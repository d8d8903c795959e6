"""The released extractor's parts and an independent Fisher vector reproduced on recorded inputs."""

from __future__ import annotations

from pathlib import Path

import pytest

from onlooker.methods.parity import run_parity


@pytest.mark.real
@pytest.mark.parametrize("name", ["descriptors", "fisher_vector"])
def test_every_recorded_output_is_reproduced(parity: Path, name: str) -> None:
    (result,) = run_parity(parity / "dense_trajectories" / name)
    assert result.method == "dense_trajectories"
    assert result.status == "within", [output for output in result.outputs if not output.within]
    assert result.uncompared == ()


@pytest.mark.real
def test_how_close_it_is(parity: Path) -> None:
    (result,) = run_parity(parity / "dense_trajectories" / "descriptors")
    gaps = {output.name: output.max_absolute for output in result.outputs}
    assert max(gaps[name] for name in ("hog", "hof", "mbh_x", "mbh_y")) < 1e-5  # with OpenCV's arctangent
    assert gaps["warped_second_frame"] == 0
    assert gaps["farneback_flow"] < 1e-5


def test_a_fixture_of_something_else_is_an_error(tmp_path: Path) -> None:
    import numpy as np
    from safetensors.numpy import save_file

    for name in ("inputs", "outputs"):
        save_file({"x": np.zeros(1)}, tmp_path / f"{name}.safetensors")
    (tmp_path / "config.json").write_text("{}")
    (result,) = run_parity(tmp_path, "dense_trajectories")
    assert result.status == "error"
    assert "neither" in result.problem
    (tmp_path / "config.json").write_text('{"patch_size": 16, "min_std": 1}')
    (result,) = run_parity(tmp_path, "dense_trajectories")
    assert "patch_size cannot be changed" in result.problem
