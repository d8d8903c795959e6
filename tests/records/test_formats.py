"""Other people's files: right conventions, there and back, and every fault with its line."""

from __future__ import annotations

import csv as stdcsv
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import detections, tracks

from onlooker.errors import ConfigError, RecordError, StorageError
from onlooker.records import SCHEMAS
from onlooker.records import formats as f

many = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
# pixels as float32, the precision of the tables
pixel = st.floats(-100, 5000, width=32).filter(lambda v: v == 0 or abs(v) > 1e-3)
length = st.floats(0.0625, 1000, width=32)
box = st.tuples(pixel, pixel, length, length).map(
    lambda v: tuple(float(np.float32(x)) for x in (v[0], v[1], v[0] + v[2], v[1] + v[3]))
)
track_boxes = st.dictionaries(st.tuples(st.integers(0, 500), st.integers(0, 99)), box, min_size=1, max_size=20)
text = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=20)


def columns(table: pa.Table, *names: str) -> list[object]:
    return [table.column(name).to_pylist() for name in names]


class TestMot:
    def test_the_first_pixel_and_frame_are_one(self, tmp_path: Path) -> None:
        f.write_mot(tracks({(0, 7): (0, 0, 10, 20)}), tmp_path / "a.txt")
        assert (tmp_path / "a.txt").read_text() == "1,7,1,1,10,20,1,-1,-1,-1\n"
        table = f.read_mot(tmp_path / "a.txt", rate=25)
        assert columns(table, "frame", "time", "track_id", "x1", "y2") == [[0], [0.0], [7], [0.0], [20.0]]

    @many
    @given(track_boxes)
    def test_there_and_back(self, tmp_path: Path, boxes: dict[tuple[int, int], tuple[float, ...]]) -> None:
        table = tracks(boxes)  # type: ignore[arg-type]
        f.write_mot(table, tmp_path / "a.txt")
        again = f.read_mot(tmp_path / "a.txt", rate=25, video="a.mp4")
        for name in ("video", "frame", "time", "track_id", "label", "score"):
            assert again.column(name).equals(table.column(name)), name
        for name in ("x1", "y1", "x2", "y2"):
            assert np.allclose(again.column(name), table.column(name), rtol=1e-6, atol=1e-4)

    def test_detections_have_no_ids_and_pieces_are_joined(self, tmp_path: Path) -> None:
        f.write_mot(iter([detections(0), detections(1)]), tmp_path / "a.txt")
        again = f.read_mot(tmp_path / "a.txt", rate=25)
        assert again.schema == SCHEMAS["detections"]
        assert again.column("score").equals(
            pa.chunked_array([*detections(0)["score"].chunks, *detections(1)["score"].chunks])
        )

    def test_ground_truth_with_classes_and_seqinfo(self, tmp_path: Path) -> None:
        (tmp_path / "gt").mkdir()
        (tmp_path / "seqinfo.ini").write_text(
            "[Sequence]\nname=S-1\nimDir=img1\nframeRate=10\nseqLength=5\nimWidth=99\nimHeight=50\nimExt=.jpg\n"
        )
        (tmp_path / "gt" / "gt.txt").write_text("3,1,1,1,5,5,0,1,0.5\n3,2,1,1,5,5,1,8,0.25\n\n")
        table = f.read_mot(tmp_path / "gt" / "gt.txt")
        assert columns(table, "video", "time", "label", "score") == [
            ["S-1", "S-1"],
            [0.2, 0.2],
            ["person", "distractor"],
            [0.0, 1.0],
        ]
        rows = f.read_mot_rows(tmp_path / "gt" / "gt.txt")
        assert rows.classes.tolist() == [1, 8]
        assert rows.visibility.tolist() == [0.5, 0.25]
        assert rows.keep(rows.classes == 8).ids.tolist() == [2]

    def test_every_fault_with_its_line(self, tmp_path: Path) -> None:
        path = tmp_path / "r.txt"
        path.write_text("1,1,0,0,5,5\n1,1,zwei,0,5,5,1\n2,1\n3,1,nan,0,5,5,1\n")
        with pytest.raises(RecordError) as caught:
            f.read_mot(path, rate=1)
        assert str(caught.value).splitlines() == [
            "r.txt:2: 'zwei' is not a number",
            "r.txt:3: 2 columns, expected 6 to 11",
            "r.txt:4: a value is not finite",
        ]
        path.write_text("0,1,0,0,5,5\n1,1,0,0,-5,5\n2,3,0,0,5,5\n2,3,0,0,5,5\n2.5,1,0,0,5,5\n")
        with pytest.raises(RecordError) as caught:
            f.read_mot(path, rate=1)
        assert [line.split(": ")[0] for line in str(caught.value).splitlines()] == [f"r.txt:{n}" for n in (1, 2, 4, 5)]

    def test_a_mix_of_videos_and_a_missing_rate(self, tmp_path: Path) -> None:
        with pytest.raises(RecordError, match="one video"):
            f.write_mot([detections(video="a"), detections(video="b")], tmp_path / "a.txt")
        assert not (tmp_path / "a.txt").exists()
        f.write_mot(detections(), tmp_path / "a.txt")
        with pytest.raises(ConfigError, match="rate"):
            f.read_mot(tmp_path / "a.txt")
        with pytest.raises(StorageError, match=r"nothing\.txt"):
            f.read_mot(tmp_path / "nothing.txt", rate=1)


class TestAva:
    LABELS = {12: "stand", 80: "watch"}  # noqa: RUF012

    def test_normalised_boxes_become_pixels(self, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_text("vid,0902,0.25,0.5,0.75,1,12,3\nvid,0902,0.1,0.1,0.2,0.2,,\n")
        table = f.read_ava(tmp_path / "a.csv", (200, 100), rate=30, labels=self.LABELS)
        assert columns(table, "frame", "time", "track_id", "x1", "y1", "x2", "y2", "label", "score") == [
            *([27060], [902.0], [3], [50.0], [50.0], [150.0], [100.0], ["stand"], [None])
        ]

    @many
    @given(st.lists(st.tuples(st.integers(0, 1798), *[st.floats(0, 0.5)] * 4, st.sampled_from([12, 80])), max_size=9))
    def test_there_and_back(self, tmp_path: Path, rows: list[tuple[float, ...]]) -> None:
        lines = [f"v,{t:04d},{x},{y},{x + w},{y + h},{a},{i}\n" for i, (t, x, y, w, h, a) in enumerate(rows)]
        (tmp_path / "a.csv").write_text("".join(lines))
        sizes = {"v": (640, 480)}
        first = f.read_ava(tmp_path / "a.csv", sizes, labels=self.LABELS)
        f.write_ava(first, tmp_path / "a.csv", sizes, labels=self.LABELS)
        again = f.read_ava(tmp_path / "a.csv", sizes, labels=self.LABELS)
        assert again.equals(first)

    def test_scores(self, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_text("v,0902,0,0,1,1,7,0.5\n")
        table = f.read_ava(tmp_path / "a.csv", (10, 10), scored=True)
        assert columns(table, "score", "track_id", "label") == [[0.5], [None], ["7"]]
        f.write_ava(table, tmp_path / "b.csv", (10, 10), scored=True)
        assert (tmp_path / "b.csv").read_bytes() == b"v,0902,0,0,1,1,7,0.5\n"

    def test_every_fault_with_its_line(self, tmp_path: Path) -> None:
        bad = [
            "v,0902,0,0,1,1,99,0",
            "v,0902,0,0,20,20,12,0",
            "v,0902,0.5,0,0.1,1,12,0",
            "v,x,0,0,1,1,12,0",
            "v,1",
            "v,1,0,0,1,1,1.5,0",
        ]
        (tmp_path / "a.csv").write_text("\n".join(bad))
        with pytest.raises(RecordError) as caught:
            f.read_ava(tmp_path / "a.csv", (10, 10), labels=self.LABELS)
        assert [line.split(": ")[0] for line in str(caught.value).splitlines()] == [f"a.csv:{n}" for n in range(1, 7)]
        assert "not in the label map" in str(caught.value)

    def test_what_ava_cannot_say(self, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_text("v,0902,0,0,1,1,12,0\n")
        table = f.read_ava(tmp_path / "a.csv", (10, 10), labels=self.LABELS)
        with pytest.raises(RecordError, match="label 'stand'"):
            f.write_ava(table, tmp_path / "b.csv", (10, 10), labels={1: "walk"})
        with pytest.raises(ConfigError, match="picture size"):
            f.write_ava(table, tmp_path / "b.csv", {}, labels=self.LABELS)
        half = table.set_column(2, "time", pa.array([902.5]))
        with pytest.raises(RecordError, match="whole seconds"):
            f.write_ava(half, tmp_path / "b.csv", (10, 10), labels=self.LABELS)

    def test_label_map(self, tmp_path: Path) -> None:
        (tmp_path / "l.pbtxt").write_text(
            'item {\n  name: "stand"\n  id: 12\n}\nitem {\n  id: 80\n  name: "watch"\n}\n'
        )
        assert f.read_label_map(tmp_path / "l.pbtxt") == self.LABELS
        (tmp_path / "l.pbtxt").write_text('item {\n  name: "stand"\n}\n')
        with pytest.raises(RecordError, match=r"l.pbtxt:1"):
            f.read_label_map(tmp_path / "l.pbtxt")


class TestCoco:
    def test_there_and_back_and_readable_by_pycocotools(self, tmp_path: Path) -> None:
        table = detections(rows=20)
        f.write_coco(table, tmp_path / "a.json", (640, 480))
        again = f.read_coco(tmp_path / "a.json")
        for name in ("video", "frame", "time", "label", "score"):
            assert again.column(name).equals(table.column(name)), name
        for name in ("x1", "y1", "x2", "y2"):
            assert np.allclose(again.column(name), table.column(name), rtol=1e-6)
        coco = pytest.importorskip("pycocotools.coco").COCO(str(tmp_path / "a.json"))
        assert len(coco.anns) == 20
        assert len(coco.imgs) == 20

    def test_an_ordinary_file_and_results(self, tmp_path: Path) -> None:
        data = {
            "images": [{"id": 9, "file_name": "x.jpg", "width": 10, "height": 10}],
            "categories": [{"id": 3, "name": "cat"}],
            "annotations": [{"id": 1, "image_id": 9, "category_id": 3, "bbox": [1, 2, 3, 4]}],
        }
        (tmp_path / "gt.json").write_text(json.dumps(data))
        (tmp_path / "r.json").write_text('[{"image_id": 9, "category_id": 3, "bbox": [0, 0, 1, 1], "score": 0.5}]')
        assert columns(f.read_coco(tmp_path / "gt.json"), "video", "x2", "y2", "score") == [["x.jpg"], [4], [6], [None]]
        assert columns(f.read_coco(tmp_path / "gt.json", tmp_path / "r.json"), "label", "score") == [["cat"], [0.5]]

    def test_every_fault(self, tmp_path: Path) -> None:
        wrong = [
            {"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 1, 1]},
            {"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 1, 1]},
            {"id": 2, "image_id": 2, "category_id": 1, "bbox": [0, 0, 1, 1]},
            {"id": 3, "image_id": 1, "category_id": 7, "bbox": [0, 0, 1, 1]},
            {"id": 4, "image_id": 1, "category_id": 1, "bbox": [0, 0, -1, 1]},
            {"id": 5, "image_id": 1, "category_id": 1},
        ]
        data = {"images": [{"id": 1}], "categories": [{"id": 1, "name": "c"}], "annotations": wrong}
        (tmp_path / "a.json").write_text(json.dumps(data))
        with pytest.raises(RecordError) as caught:
            f.read_coco(tmp_path / "a.json")
        assert [line.split(": ")[1] for line in str(caught.value).splitlines()] == [
            f"annotations[{i}]" for i in (2, 3, 4, 5, 1)
        ]

    @pytest.mark.parametrize(("content", "line"), [('{"images":\n NaN}', 2), ('{\n\n"a": }', 3), ("[]", 1)])
    def test_what_is_not_json(self, tmp_path: Path, content: str, line: int) -> None:
        (tmp_path / "a.json").write_text(content)
        with pytest.raises(RecordError, match=rf"a\.json:{line}: "):
            f.read_coco(tmp_path / "a.json")


def captions(rows: list[dict[str, object]]) -> pa.Table:
    full = [{"video": "a", "track_id": None, "score": None, "source": "x"} | row for row in rows]
    return pa.Table.from_pylist(full, schema=SCHEMAS["captions"])


class TestWebvtt:
    def test_a_cue(self, tmp_path: Path) -> None:
        f.write_webvtt(
            captions([{"track_id": 3, "start": 1.5, "end": 3661.25, "text": "a <b> & c"}]), tmp_path / "a.vtt"
        )
        assert (tmp_path / "a.vtt").read_text() == (
            "WEBVTT\n\n00:00:01.500 --> 01:01:01.250\n<v person 3>a &lt;b&gt; &amp; c\n"
        )

    cue = st.tuples(st.integers(0, 10**8), st.integers(0, 10**6), text, st.none() | st.integers(0, 99))

    @many
    @given(st.lists(cue, max_size=5))
    def test_there_and_back(self, tmp_path: Path, cues: list[tuple[int, int, str, int | None]]) -> None:
        rows = [
            {"start": s / 1000, "end": (s + d) / 1000, "text": t.replace("\r", " ").replace("\n", " "), "track_id": n}
            for s, d, t, n in cues
        ]
        rows.sort(key=lambda row: (row["start"], row["end"]))  # type: ignore[arg-type, return-value]
        f.write_webvtt(captions(rows), tmp_path / "a.vtt")
        again = f.read_webvtt(tmp_path / "a.vtt")
        assert columns(again, "start", "end", "text", "track_id") == columns(
            captions(rows), "start", "end", "text", "track_id"
        )

    def test_other_tables_as_cues(self, tmp_path: Path) -> None:
        row = {
            "video": "a",
            "track_id": None,
            "start": 2.0,
            "end": 3.0,
            "label": "walking",
            "score": 1.0,
            "source": "x",
        }
        f.write_webvtt(pa.Table.from_pylist([row], schema=SCHEMAS["segments"]), tmp_path / "a.vtt")
        assert (tmp_path / "a.vtt").read_text().endswith("00:00:02.000 --> 00:00:03.000\nwalking\n")
        with pytest.raises(RecordError, match="cues need start"):
            f.write_webvtt(detections(), tmp_path / "b.vtt")

    def test_other_writers_files(self, tmp_path: Path) -> None:
        (tmp_path / "a.vtt").write_text(
            "\ufeffWEBVTT - title\r\nKind: captions\r\n\r\nNOTE\r\n00:01.000 --> nonsense\r\n\r\n"
            "STYLE\r\n::cue {}\r\n\r\n"
            "intro\r\n00:01.000 --> 00:02.000 align:start\r\n<i>two</i>\r\nlines\r\n"
        )
        table = f.read_webvtt(tmp_path / "a.vtt", "clip.mp4")
        assert columns(table, "video", "start", "end", "text") == [["clip.mp4"], [1.0], [2.0], ["two\nlines"]]

    def test_faults(self, tmp_path: Path) -> None:
        (tmp_path / "a.vtt").write_text("WEBVTT\n\n1:2 --> 3\nx\n\n00:02.000 --> 00:01.000\ny\n\nlost\n")
        with pytest.raises(RecordError) as caught:
            f.read_webvtt(tmp_path / "a.vtt")
        assert [line.split(": ")[0] for line in str(caught.value).splitlines()] == ["a.vtt:3", "a.vtt:6", "a.vtt:9"]
        (tmp_path / "a.vtt").write_text("1\n00:01,000 --> 00:02,000\n")
        with pytest.raises(RecordError, match=r"a\.vtt:1"):
            f.read_webvtt(tmp_path / "a.vtt")
        with pytest.raises(RecordError, match="in order"):
            f.write_webvtt(captions([{"start": 2.0, "end": 1.0, "text": ""}]), tmp_path / "b.vtt")
        event = dict.fromkeys(SCHEMAS["events"].names) | {"video": "a", "start": 0.0, "type": "enter"}
        with pytest.raises(RecordError, match=r"from 0\.0 to None"):  # still going on
            f.write_webvtt(pa.Table.from_pylist([event, event | {"end": 1.0}], SCHEMAS["events"]), tmp_path / "b.vtt")


class TestCsv:
    @pytest.mark.parametrize("word", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "'=1"])
    def test_no_cell_begins_like_a_formula(self, tmp_path: Path, word: str) -> None:
        table = captions([{"start": 0.0, "end": 1.0, "text": word}])
        f.write_csv(table, tmp_path / "a.csv")
        with (tmp_path / "a.csv").open(newline="") as file:
            cell = list(stdcsv.DictReader(file))[0]["text"]  # noqa: RUF015
        assert cell == "'" + word
        assert f.read_csv(tmp_path / "a.csv", "captions").equals(table)
        f.write_csv(table, tmp_path / "b.csv", escape_formulas=False)
        assert f.read_csv(tmp_path / "b.csv", "captions", escape_formulas=False).equals(table)
        assert word in (tmp_path / "b.csv").read_bytes().decode()

    def test_negative_numbers_are_numbers(self, tmp_path: Path) -> None:
        f.write_csv(tracks({(0, 1): (-5, -5, 1, 1)}), tmp_path / "a.csv")
        assert ",-5,-5,1,1," in (tmp_path / "a.csv").read_text()

    @many
    @given(st.lists(st.tuples(st.floats(0, 1e6), text, st.none() | st.integers(0, 9)), max_size=6), st.booleans())
    def test_there_and_back(self, tmp_path: Path, rows: list[tuple[float, str, int | None]], escape: bool) -> None:
        table = captions([{"start": s, "end": s, "text": t, "track_id": n} for s, t, n in rows])
        f.write_csv(table, tmp_path / "a.csv", escape_formulas=escape)
        assert f.read_csv(tmp_path / "a.csv", "captions", escape_formulas=escape).equals(table)

    def test_vectors_and_pieces(self, tmp_path: Path) -> None:
        row = {"video": "a", "track_id": 1, "start": 0.0, "end": 1.0, "vector": [0.5, -1.0], "source": "x"}
        table = pa.Table.from_pylist([row], schema=SCHEMAS["embeddings"])
        f.write_csv(iter([table, table]), tmp_path / "a.csv")
        assert f.read_csv(tmp_path / "a.csv", "embeddings").equals(pa.concat_tables([table, table]).combine_chunks())

    def test_every_fault_with_its_line(self, tmp_path: Path) -> None:
        path = tmp_path / "a.csv"
        f.write_csv(captions([{"start": 0.0, "end": 1.0, "text": "two\nlines"}] * 3), path)
        lines = path.read_text().split("\n")
        lines[3] = lines[3].replace(",0,", ",zero,")
        path.write_text("\n".join([*lines[:-1], "a,b"]))
        with pytest.raises(RecordError) as caught:
            f.read_csv(path, "captions")
        assert str(caught.value).splitlines() == [
            "a.csv:4: start: 'zero' is not double",
            "a.csv:8: 2 columns, the header has 7",
        ]
        path.write_text("video,start\n")
        with pytest.raises(RecordError, match=r"a\.csv:1: no column track_id, end"):
            f.read_csv(path, "captions")
        path.write_bytes(b"video\n\xff\n")
        with pytest.raises(RecordError, match=r"a\.csv:1: no column"):
            f.read_csv(path, "captions")
        f.write_csv(captions([{"start": 0.0, "end": 1.0, "text": "grün"}]), path)
        path.write_bytes(path.read_bytes().replace("ü".encode(), b"\xfc"))  # saved as Latin-1
        with pytest.raises(RecordError, match=r"a\.csv:2: byte 0xfc is not UTF-8"):
            f.read_csv(path, "captions")
