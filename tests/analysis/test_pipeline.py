import threading
import time

import numpy as np
import pyarrow as pa
import pytest

from onlooker.analysis.pipeline import IN_FLIGHT, Chunk, Pipeline
from onlooker.analysis.stage import Output
from onlooker.video import Clip


def clip(start, count):
    numbers = np.arange(start, start + count)
    return Clip(
        np.zeros((count, 2, 2, 3), np.uint8), numbers, numbers / 10, np.full(count, 0.1), np.zeros(count, np.uint8)
    )


def chunks(count, size=4):
    for k in range(count):
        yield Chunk(clip(k * size, size), k == 0, k == count - 1, checkpoint=k % 2 == 1)


class Count:
    """Gives the running number of frames."""

    name, needs, gives = "count", (), ("total",)

    def start(self):
        return {"total": 0}

    def run(self, inputs, state):
        # the same dict is changed in place: the pipeline must have copied it for a checkpoint
        state["total"] += len(inputs.clip)
        return Output({"total": state["total"]}, {"numbers": pa.table({"n": inputs.clip.indices})}), state


class Double:
    name, needs, gives = "double", ("total",), ("doubled",)

    def start(self):
        return {}

    def run(self, inputs, state):
        return Output(
            {"doubled": 2 * inputs.given["total"]}, {"doubled": pa.table({"n": [2 * inputs.given["total"]]})}
        ), state


def test_results_come_in_order_and_needs_are_met():
    results = list(Pipeline([Count(), Double()]).run(chunks(7)))
    assert [r.tables["doubled"][0]["n"][0].as_py() for r in results] == [8 * k for k in range(1, 8)]
    frames = [n for r in results for n in r.tables["numbers"][0]["n"].to_pylist()]
    assert frames == list(range(28))


def test_a_checkpoint_holds_the_state_right_after_its_chunk():
    results = list(Pipeline([Count(), Double()]).run(chunks(8)))
    states = [r.states["count"]["total"] for r in results if r.states is not None]
    assert states == [8, 16, 24, 32]


def test_a_resumed_pipeline_goes_on_from_its_states():
    whole = list(Pipeline([Count(), Double()]).run(chunks(8)))
    later = Pipeline([Count(), Double()], states=whole[3].states)
    tail = list(later.run(c for k, c in enumerate(chunks(8)) if k > 3))
    assert [t.tables["doubled"][0] for t in tail] == [w.tables["doubled"][0] for w in whole[4:]]


def test_memory_is_bounded_a_slow_stage_holds_the_source_back():
    read = []

    class Slow(Count):
        def run(self, inputs, state):
            time.sleep(0.01)
            assert len(read) - state["total"] // 4 <= IN_FLIGHT + 3
            return super().run(inputs, state)

    def source():
        for chunk in chunks(20):
            read.append(chunk)
            yield chunk

    assert len(list(Pipeline([Slow()]).run(source()))) == 20


@pytest.mark.parametrize("where", ["source", "stage"])
def test_an_error_ends_the_run_with_that_error_and_leaves_no_thread(where):
    class Broken(Count):
        def run(self, inputs, state):
            if where == "stage" and state["total"] >= 8:
                raise OSError("broken")
            return super().run(inputs, state)

    def source():
        for k, chunk in enumerate(chunks(9)):
            if where == "source" and k == 4:
                raise OSError("broken")
            yield chunk

    before = threading.active_count()
    with pytest.raises(OSError, match="broken"):
        list(Pipeline([Broken(), Double()]).run(source()))
    assert threading.active_count() == before


def test_stages_that_do_not_need_each_other_run_side_by_side():
    meeting = threading.Barrier(2, timeout=10)

    def waiting(stage_name):
        class Waiting(Count):
            name, gives = stage_name, (stage_name,)

            def run(self, inputs, state):
                meeting.wait()  # raises unless the other stage is running at the same time
                return Output({}), state

        return Waiting()

    assert len(list(Pipeline([waiting("left"), waiting("right")]).run(chunks(3)))) == 3
