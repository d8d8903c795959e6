import subprocess
import sys

import pytest

LIMITED = """
import os, resource
from onlooker.analysis.worker import limit_process
limit_process()
assert resource.getrlimit(resource.RLIMIT_CORE)[0] == 0
memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
import numpy
small = numpy.ones(1 << 20, numpy.uint8)
try:
    numpy.empty(memory, numpy.uint8)
except MemoryError:
    print("refused")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the memory limit is Linux's")
def test_a_worker_dumps_no_core_and_cannot_take_more_memory_than_there_is():
    done = subprocess.run([sys.executable, "-c", LIMITED], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.returncode) == ("refused", 0), done.stderr
