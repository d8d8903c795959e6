from pathlib import Path

import pytest

from onlooker.analysis.inputs import assign_folders, expand
from onlooker.errors import ConfigError


def touch(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return str(path)


def test_a_folder_gives_its_videos_in_depth_and_nothing_else(tmp_path):
    wanted = [touch(tmp_path / "a.mp4"), touch(tmp_path / "sub" / "b.MKV")]
    touch(tmp_path / "notes.md")
    touch(tmp_path / ".hidden.mp4")
    touch(tmp_path / "a.onlooker" / "annotated.mp4")
    assert expand([str(tmp_path)]) == wanted


def test_a_glob_a_list_and_a_file_name_the_same_video_once(tmp_path):
    a, b = touch(tmp_path / "a.mp4"), touch(tmp_path / "b b.mp4")
    (tmp_path / "list.txt").write_text("# two\na.mp4\n\nb b.mp4\nmissing.mp4\nhttp://host/x.mp4\n")
    found = expand([str(tmp_path / "*.mp4"), a, str(tmp_path / "list.txt")])
    assert found == [a, b, str(tmp_path / "missing.mp4"), "http://host/x.mp4"]


def test_a_file_whose_name_looks_like_a_pattern_is_taken_as_it_is(tmp_path):
    odd = touch(tmp_path / "take[1].mp4")
    assert expand([odd]) == [odd]


@pytest.mark.parametrize("text", ["nowhere.mp4", "*.nothing"])
def test_an_input_that_names_nothing_is_refused_by_name(text):
    with pytest.raises(ConfigError, match=text.replace("*", r"\*")):
        expand([text])


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="no video"):
        expand([str(tmp_path)])


def test_run_folders_lie_beside_the_inputs_or_in_out(tmp_path):
    (beside,) = assign_folders([str(tmp_path / "street.mp4")], None)
    (inside,) = assign_folders([str(tmp_path / "street.mp4")], tmp_path / "out")
    assert beside.folder == tmp_path / "street.onlooker"
    assert inside.folder == tmp_path / "out" / "street.onlooker"
    assert inside.name == "street.mp4"


def test_clashing_names_get_longer_until_they_differ(tmp_path):
    sources = [str(tmp_path / p) for p in ("a/x.mp4", "a/x.avi", "b/x.mp4", "b/y.mp4")]
    names = [item.folder.name for item in assign_folders(sources, tmp_path / "out")]
    assert len(set(names)) == 4
    assert names[1] == "x.avi.onlooker"
    assert names[3] == "y.onlooker"
    assert names == [item.folder.name for item in assign_folders(sources, tmp_path / "out")]


def test_a_password_in_a_url_never_becomes_part_of_a_name():
    for url in ("rtsp://me:secret@camera", "http://me:secret@host/live.m3u8?token=secret"):
        (item,) = assign_folders([url], Path("out"))
        assert "secret" not in item.folder.name
        assert "secret" not in item.name
