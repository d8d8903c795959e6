"""Sound on the clock of the picture; motion vectors."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from onlooker.errors import ConfigError, LimitExceeded, UnsupportedMedia
from onlooker.video import Limits, Video, read_sound

RATE = 8000


def ramp(seconds: float, *, rate: int = RATE) -> np.ndarray:
    """A saw whose value tells the time within a second."""
    return (((np.arange(round(seconds * rate)) % rate) - rate // 2) * (32_000 / rate)).astype(np.int16)


def write(
    path: Path, samples: np.ndarray | None, *, late: float = 0.0, codec: str = "pcm_s16le", video: bool = True
) -> Path:
    """A grey video of two seconds with mono sound that starts `late` seconds into it."""
    with av.open(str(path), "w") as output:
        if video:
            stream = output.add_stream("libx264", rate=10)
            stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        if samples is not None:
            track = output.add_stream(codec, rate=RATE)
            track.layout = "mono"
        for number in range(20 if video else 0):
            image = np.full((32, 32, 3), 100, np.uint8)
            image[4:12, number : number + 8] = 250
            output.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        if video:
            output.mux(stream.encode())
        for at in range(0, 0 if samples is None else len(samples), 1000):
            frame = av.AudioFrame.from_ndarray(samples[None, at : at + 1000], format="s16", layout="mono")
            frame.sample_rate, frame.time_base = RATE, Fraction(1, RATE)
            frame.pts = at + round(late * RATE)
            output.mux(track.encode(frame))
        if samples is not None:
            output.mux(track.encode())
    return path


def test_samples_lie_at_their_time(tmp_path: Path) -> None:
    samples = ramp(2.0)
    with Video(write(tmp_path / "a.mkv", samples)) as video:
        assert video.info.audio is not None
        assert (video.info.audio.rate, video.info.audio.channels) == (RATE, 1)
        sound = video.sound(rate=RATE)
        assert np.array_equal(np.round(sound.samples[:, 0] * 32768).astype(int), samples)
        assert sound.mask.all()
        part = video.sound(rate=RATE, start=0.75, end=1.25)
        assert part.start == 0.75
        assert part.end == 1.25
        assert np.array_equal(part.samples, sound.samples[6000:10000])


def test_late_and_short_sound_is_padded_and_masked(tmp_path: Path) -> None:
    with Video(write(tmp_path / "a.mkv", ramp(1.0), late=0.5)) as video:
        sound = video.sound(rate=RATE)
    assert len(sound) == 2 * RATE
    assert np.flatnonzero(sound.mask).tolist() == list(range(4000, 12000))
    assert not sound.samples[~sound.mask].any()
    assert np.round(sound.samples[4000, 0] * 32768) == ramp(1.0)[0]


def test_gaps_stay_gaps(tmp_path: Path) -> None:
    path = tmp_path / "gap.mkv"
    with av.open(str(path), "w") as output:
        track = output.add_stream("pcm_s16le", rate=RATE)
        track.layout = "mono"
        for at in [*range(0, 4000, 1000), *range(8000, 12000, 1000)]:
            frame = av.AudioFrame.from_ndarray(np.full((1, 1000), 9000, np.int16), format="s16", layout="mono")
            frame.sample_rate, frame.time_base, frame.pts = RATE, Fraction(1, RATE), at
            output.mux(track.encode(frame))
        output.mux(track.encode())
    sound = read_sound(path, rate=RATE)
    assert sound.mask[:4000].all()
    assert not sound.mask[4000:8000].any()
    assert sound.mask[8000:12000].all()


@pytest.mark.parametrize("seconds", [0.1, 0.37, 5.0])
def test_pieces_join_to_the_whole(tmp_path: Path, seconds: float) -> None:
    with Video(write(tmp_path / "a.mkv", ramp(2.0))) as video:
        whole = video.sound(rate=6000)
        pieces = list(video.sound_chunks(seconds, rate=6000))
    assert np.array_equal(np.concatenate([piece.samples for piece in pieces]), whole.samples)
    assert np.array_equal(np.concatenate([piece.mask for piece in pieces]), whole.mask)
    assert [piece.start for piece in pieces] == pytest.approx(
        [k * round(seconds * 6000) / 6000 for k in range(len(pieces))]
    )


def test_resampling_keeps_pitch_and_length(tmp_path: Path) -> None:
    tone = (12_000 * np.sin(2 * np.pi * 500 * np.arange(2 * RATE) / RATE)).astype(np.int16)
    with Video(write(tmp_path / "a.mp4", tone, codec="aac")) as video:
        sound = video.sound(rate=16_000, mono=False)
    assert sound.samples.shape == (32_000, 1)
    spectrum = np.abs(np.fft.rfft(sound.samples[4000:28_000, 0]))
    assert np.argmax(spectrum) * 16_000 / 24_000 == pytest.approx(500, abs=1)
    assert sound.mask.mean() > 0.95


def test_a_silent_video_gives_masked_silence(tmp_path: Path) -> None:
    with Video(write(tmp_path / "a.mp4", None)) as video:
        assert not video.info.has_audio
        sound = video.sound(rate=100)
        assert sound.samples.shape == (200, 1)
        assert not sound.mask.any()
        assert [len(piece) for piece in video.sound_chunks(1.5, rate=100)] == [150, 50]


def test_sound_without_pictures(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", ramp(1.0), video=False)
    assert len(read_sound(path, rate=RATE)) == RATE
    with pytest.raises(UnsupportedMedia, match="no video"):
        len(Video(path))
    with pytest.raises(UnsupportedMedia, match="sound"):
        read_sound(write(tmp_path / "b.mp4", None))


def test_limits_and_wrong_requests(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mkv", ramp(2.0))
    with Video(path, limits=Limits(memory_bytes=50_000)) as video:
        with pytest.raises(LimitExceeded, match="sound_chunks"):
            video.sound(rate=16_000)
        assert sum(len(piece) for piece in video.sound_chunks(0.5)) == 32_000
        with pytest.raises(ConfigError):
            video.sound(rate=0)
        with pytest.raises(ConfigError):
            video.sound(start=1.0, end=0.5)
    with Video(path, limits=Limits(audio_rate=4000)) as video, pytest.raises(LimitExceeded):
        video.sound(rate=2000)


def test_damaged_sound_leaves_the_picture_alone(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", ramp(2.0), codec="aac")
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        places = [(p.pos, p.size) for p in container.demux(audio=0) if p.size]
    for at, size in places[4:9]:
        data[at : at + size] = b"\xff" * size
    path.write_bytes(data)
    with Video(path) as video:
        assert sum(1 for _ in video) == 20
        sound = video.sound()
    assert 0.3 < sound.mask.mean() < 1.0
    assert np.isfinite(sound.samples).all()


@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
def test_motion_vectors_follow_the_motion(tmp_path: Path, codec: str) -> None:
    path = tmp_path / "moving.mp4"
    coarse = np.random.default_rng(0).integers(0, 256, (12, 25), np.uint8)
    texture = cv2.resize(coarse, (200, 96), interpolation=cv2.INTER_CUBIC)
    with av.open(str(path), "w") as output:
        stream = output.add_stream(codec, rate=10, options={"bf": "0", "g": "30"})
        stream.width, stream.height, stream.pix_fmt = 96, 96, "yuv420p"
        for number in range(10):
            image = np.repeat(texture[:, 4 * number : 4 * number + 96, None], 3, axis=2)
            output.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        output.mux(stream.encode())
    with Video(path) as video:
        found = list(video.motion_vectors())
        assert [vectors.index for vectors in found] == list(range(10))
        assert len(found[0]) == 0
        for vectors in found[1:]:
            inner = np.abs(vectors.position - 48).max(axis=1) < 32
            assert np.median(vectors.motion[inner, 0]) == 4  # the picture moves left: blocks come from the right
            assert np.median(vectors.motion[inner, 1]) == 0
            assert (vectors.source < 0).all()
        assert [vectors.index for vectors in video.motion_vectors(0.45, 0.75)] == [5, 6, 7]


def test_codecs_without_motion_vectors_say_so(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("ffv1", rate=10)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        output.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")))
        output.mux(stream.encode())
    with Video(path) as video, pytest.raises(UnsupportedMedia, match="motion vectors"):
        list(video.motion_vectors())


@pytest.mark.real
def test_real_speech(clips: Path) -> None:
    sound = read_sound(clips / "speech_jfk.flac", rate=16_000)
    assert len(sound) == 11 * 16_000
    assert sound.mask.mean() > 0.999
    with Video(clips / "person_with_speech.mp4") as video:
        same = video.sound()
    lag = np.correlate(same.samples[16_000:48_000, 0], sound.samples[16_400:47_600, 0], "valid").argmax() - 400
    assert abs(lag) <= 32  # two milliseconds
