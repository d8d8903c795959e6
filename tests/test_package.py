"""What holds for the package as a whole: fast start, no torch at import, every public name resolves."""

import subprocess
import sys
import time
from statistics import median

import onlooker

BLOCKED = ("torch", "numpy", "cv2", "av", "pyarrow")


def run_python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_importing_onlooker_imports_no_heavy_library():
    done = run_python(f"import onlooker, sys; print([m for m in {BLOCKED} if m in sys.modules])")
    assert done.stdout.strip() == "[]", done.stderr


def test_help_imports_no_heavy_library():
    code = f"""
import sys, onlooker.cli
try:
    onlooker.cli.main(["--help"])
except SystemExit as stop:
    assert not stop.code
print([m for m in {BLOCKED} if m in sys.modules], file=sys.stderr)
"""
    done = run_python(code)
    assert done.stderr.strip().endswith("[]"), done.stderr
    for command in ("demo", "analyze", "watch", "probe", "methods", "doctor", "bench"):
        assert command in done.stdout


def test_every_public_name_resolves():
    for name in onlooker.__all__:
        assert getattr(onlooker, name) is not None


def test_an_unknown_name_is_an_attribute_error():
    assert not hasattr(onlooker, "no_such_name")


def test_help_answers_fast():
    """The promise is 0.3 s; the bound leaves room for a busy machine, the median is printed for the reader."""
    seconds = []
    for _ in range(5):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "onlooker", "--help"], capture_output=True, check=True)
        seconds.append(time.perf_counter() - began)
    assert median(seconds) < 1.0, seconds
