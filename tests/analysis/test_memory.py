"""Memory does not grow with the length of the video.

The embedded detector would take twenty minutes for two hours of video; a detector that boxes what is red stands in, so
that tracking, re-linking, motion facts, shots and the run folder see somebody come and go five hundred times.
"""

import json
import subprocess
import sys

import numpy as np
import pytest

from onlooker.video.writer import VideoWriter

MEASURE = """
import json, os, sys
from pathlib import Path
import numpy as np
from onlooker.analysis.stages import detect
from onlooker.records import Detections
from onlooker.analysis.job import analyze_video
from onlooker.analysis.options import Options

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

class Red:
    source = "red/test@none"

    def init_state(self, width, height):
        return {}

    def run(self, images, times, state):
        return [self.find(image) for image in images], state

    def find(self, image):
        rows, columns = np.nonzero(image[..., 0] > 170)
        if not len(rows):
            return Detections()
        box = np.array([[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]], np.float32)
        return Detections(box, np.array([0.9], np.float32), ("person",))

detect.load_detector = lambda name: Red()
points = []
analyze_video(
    sys.argv[1], Path(sys.argv[2]), Options.parse({"report": False, "annotate": False}), name="long",
    progress=lambda p: points.append((p.done, resident())) if p.phase == "analyse" else None,
)
print(json.dumps(points))
"""


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads memory from /proc")
def test_memory_is_flat_over_two_hours_of_video(tmp_path):
    path, rate, hours = tmp_path / "long.mp4", 2.0, 2.0
    frames = int(hours * 3600 * rate)
    ground = np.random.default_rng(0).integers(90, 130, (72, 96, 3), dtype=np.uint8)
    with VideoWriter(path, 96, 72, rate=rate) as writer:
        for k in range(frames):
            image = ground.copy()
            x = k * 3 % 110 - 14
            image[20:60, max(0, x) : max(0, x + 14)] = (200, 40 + k // 200 % 100, 60)
            writer.write(image)
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, path, tmp_path / "run"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    at, used = np.array(json.loads(done.stdout)).T
    assert at[-1] == frames
    later = at > frames / 4
    slope = np.polyfit(at[later] / rate / 3600, used[later], 1)[0]
    print(f"memory: {slope:.1f} MB per hour of video, at most {used.max():.0f} MB")  # noqa: T201
    assert slope < 8, "megabytes per hour of video"
