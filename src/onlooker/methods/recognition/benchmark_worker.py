"""One contender of `onlooker bench recognition`: a job as a JSON line on standard input, then a pass for every line."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from onlooker.methods.recognition.benchmark import OURS, Size, weights_path
from onlooker.methods.registry import find


def main() -> int:
    """Read the job, make the model, answer each further line with one forward pass."""
    job = json.loads(sys.stdin.readline())
    torch.set_num_threads(job["threads"])
    size = Size(**job["size"])
    if job["contender"] == "prepare":
        prepare(job["model"], size, job["folder"], job["seed"])
        _say({"prepared": True})
        return 0
    path = weights_path(job["folder"], job["contender"])
    if job["contender"] == OURS:
        model = ours(job["model"], size)
        forward: Callable[[Tensor], Tensor] = model
    else:
        model = theirs(job["model"], size, job["contender"].removeprefix("transformers-"))
        forward = lambda clip: model(pixel_values=clip).logits  # noqa: E731
    model.load_state_dict(load_file(path))
    shape = (job["batch"], size.frames, 3, size.size, size.size)
    clip = torch.randn(shape, generator=torch.Generator().manual_seed(job["seed"]))
    _say({"ready": True})
    for _ in sys.stdin:
        _say(_measure(forward, clip))
    return 0


def prepare(model: str, size: Size, folder: str | Path, seed: int) -> None:
    """Random weights in transformers' class, and the same ones converted to ours."""
    peer = theirs(model, size, "eager")
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in peer.parameters():
            parameter.copy_(0.03 * torch.randn(parameter.shape, generator=generator))
    state = {name: value.contiguous() for name, value in peer.state_dict().items()}
    converter = find(model).load("convert")
    converted = converter.convert(state, layout="", variant="", settings={"heads": size.heads})
    save_file(state, weights_path(folder, "transformers"))
    save_file({name: value.contiguous() for name, value in converted.state.items()}, weights_path(folder, OURS))


def ours(model: str, size: Size) -> nn.Module:
    """Our network of this size."""
    module = find(model).load("model")
    shape = {"frames": size.frames, "size": size.size, "patch": size.patch, "classes": size.classes}
    config = module.Config(**shape, dim=size.dim, depth=size.depth, heads=size.heads)
    built: nn.Module = module.build(config).eval()
    return built


def theirs(model: str, size: Size, attention: str) -> nn.Module:
    """The same network of transformers, with its eager or sdpa attention."""
    import transformers

    transformers.logging.set_verbosity_error()
    names = {
        "timesformer": ("TimesformerConfig", "TimesformerForVideoClassification"),
        "videomae": ("VideoMAEConfig", "VideoMAEForVideoClassification"),
    }
    config_name, class_name = names[model]
    config = getattr(transformers, config_name)(
        image_size=size.size,
        patch_size=size.patch,
        num_frames=size.frames,
        hidden_size=size.dim,
        num_hidden_layers=size.depth,
        num_attention_heads=size.heads,
        intermediate_size=4 * size.dim,
        num_labels=size.classes,
    )
    config._attn_implementation = attention
    built: nn.Module = getattr(transformers, class_name)(config).eval()
    return built


def _measure(forward: Callable[[Tensor], Tensor], clip: Tensor) -> dict[str, Any]:
    _reset_peak()
    before = _memory("VmRSS")
    with torch.inference_mode():
        began, worked = time.perf_counter(), time.process_time()
        logits = forward(clip)
        seconds, cpu = time.perf_counter() - began, time.process_time() - worked
    numbers = {"seconds": seconds, "cpu_seconds": cpu, "before_mb": before, "peak_mb": _memory("VmHWM")}
    return {**numbers, "logits": logits.tolist()}


def _reset_peak() -> None:
    """Forget the peak that loading the weights made (Linux only)."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def _memory(field: str) -> float:
    """Resident memory in MB, now or at its peak; the peak of the whole life where the system tells nothing else."""
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith(field + ":"):
                return float(line.split()[1]) / 1024
    unit = 1 << 20 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def _say(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
