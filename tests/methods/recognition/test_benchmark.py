"""The comparison with transformers on networks of milliseconds: same logits, ratios that are what they say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from onlooker.errors import ConfigError
from onlooker.methods.recognition import benchmark, benchmark_worker
from onlooker.methods.recognition.benchmark import recognition_benchmark

pytest.importorskip("transformers", reason="needs the extra [hub]")


@pytest.mark.parametrize("model", ["timesformer", "videomae"])
def test_the_contenders_are_the_same_network(model: str, tmp_path: Path) -> None:
    size = benchmark.CASES[model]["tiny"]
    benchmark_worker.prepare(model, size, tmp_path, seed=3)
    own, peer = benchmark_worker.ours(model, size), benchmark_worker.theirs(model, size, "eager")
    own.load_state_dict(load_file(benchmark.weights_path(tmp_path, "onlooker")))
    peer.load_state_dict(load_file(benchmark.weights_path(tmp_path, "transformers-eager")))
    clip = torch.randn(2, size.frames, 3, size.size, size.size, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        torch.testing.assert_close(own(clip), peer(pixel_values=clip).logits, atol=1e-4, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("model", ["timesformer", "videomae"])
def test_contenders_have_the_same_logits_and_the_result_is_json(model: str) -> None:
    result = recognition_benchmark(models=[model], size="tiny", repeat=2, threads=1)
    (row,) = json.loads(json.dumps(result, allow_nan=False))["cases"]
    assert row["same_logits"], row["logits_apart"]
    assert set(row["runners"]) == set(benchmark.CONTENDERS[model])
    own, peer = row["runners"]["onlooker"], row["runners"]["transformers-eager"]
    assert row["ratio_to_eager"] == pytest.approx(peer["median_seconds"] / own["median_seconds"], abs=1e-3)
    assert own["clips_per_second"] == pytest.approx(1 / own["median_seconds"], rel=1e-3)
    assert own["peak_memory_mb"] >= own["memory_before_mb"] > 0
    assert (row["ratio_to_sdpa"] is None) == (model == "timesformer")


def test_the_bar_fails_for_logits_that_differ_and_for_slowness() -> None:
    def answers(seconds: float, logit: float) -> list[dict[str, object]]:
        one = {"seconds": seconds, "cpu_seconds": seconds, "before_mb": 1.0, "peak_mb": 2.0, "logits": [[logit, 1.0]]}
        return [one, one]

    size = benchmark.CASES["timesformer"]["tiny"]
    for seconds, logit, passed in ((1.3, 1.0, True), (1.1, 1.0, False), (1.3, 1.1, False)):
        raw = {"onlooker": answers(1.0, 1.0), "transformers-eager": answers(seconds, logit)}
        assert benchmark._summary("timesformer", size, raw, 1)["passed"] is passed
    raw["transformers-sdpa"], raw["transformers-eager"] = answers(0.9, 1.0), answers(1.3, 1.0)
    assert benchmark._summary("videomae", size, raw, 1)["passed"] is False


def test_unknown_models_and_sizes_are_refused() -> None:
    with pytest.raises(ConfigError, match="timesformer, videomae"):
        recognition_benchmark(models=["x3d"])
    with pytest.raises(ConfigError, match="tiny, small, full"):
        recognition_benchmark(size="huge")
