"""Damage: files cut short, bytes overwritten, packets lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
import numpy as np

from onlooker.video.conformance.encode import BITEXACT, Recipe, write_video
from onlooker.video.conformance.truth import (
    TRANSPORT_PACKET,
    Case,
    PacketPlace,
    Truth,
    packet_places,
    payload,
    renumbered,
)

# closed groups without reordering: what a lost packet spoils ends with its group
MP4 = Recipe(frames=72)
FAST_START = MP4.with_(bframes=2, gop=24, options=(("preset", "veryfast"),), muxer=(("movflags", "+faststart"),))
MKV = MP4.with_(container="mkv")
TS = MP4.with_(container="ts", time_base=Fraction(1, 90_000))


def cut_short(recipe: Recipe, share: float, path: Path, rng: np.random.Generator) -> Truth:
    """The file ends in the middle of a packet, after about `share` of its bytes. Frames that are whole are sound."""
    recipe, order, places = _written(recipe, path, rng)
    data = path.read_bytes()
    aim = int(len(data) * share)
    keep = next((place.start + place.end) // 2 for place in places if place.end > aim)
    keep += keep % TRANSPORT_PACKET == 0  # behind a whole transport packet, MPEG-TS does not show that more was meant
    path.write_bytes(data[:keep])
    there = [k for k, place in enumerate(places) if place.end <= keep]
    partial_one = [k for k, place in enumerate(places) if place.start < keep < place.end]
    return _truth(recipe, sorted(order[k] for k in there + partial_one), {order[k] for k in partial_one})


def without_index(path: Path, rng: np.random.Generator) -> Truth:
    """An MP4 download that stopped before the index behind the data."""
    recipe, _, _ = _written(MP4, path, rng)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 3 // 4])
    return Truth((), (), (recipe.width, recipe.height), readable=False)


def flipped(recipe: Recipe, bits: int, path: Path, rng: np.random.Generator) -> Truth:
    """Three packets inside groups have `bits` of their bits flipped; the frames up to the next key frame may suffer."""
    recipe, order, places = _written(recipe, path, rng)
    data = bytearray(path.read_bytes())
    hurt = _victims(places, recipe.gop, rng)
    for k in hurt:
        for at in rng.choice(payload(bytes(data), places[k]), bits):
            data[at] ^= 1 << int(rng.integers(8))
    path.write_bytes(bytes(data))
    return _truth(recipe, range(recipe.frames), _spoilt(hurt, order, places))


def _flip_one(recipe: Recipe, path: Path, rng: np.random.Generator) -> Truth:
    return flipped(recipe, 1, path, rng)


def _flip_many(recipe: Recipe, path: Path, rng: np.random.Generator) -> Truth:
    return flipped(recipe, 20, path, rng)


def overwritten(recipe: Recipe, path: Path, rng: np.random.Generator) -> Truth:
    """The later two thirds of three packets are noise."""
    recipe, order, places = _written(recipe, path, rng)
    data = bytearray(path.read_bytes())
    hurt = _victims(places, recipe.gop, rng)
    for k in hurt:
        for at in payload(bytes(data), places[k]):
            data[at] = int(rng.integers(256))
    path.write_bytes(bytes(data))
    return _truth(recipe, range(recipe.frames), _spoilt(hurt, order, places))


def dropped(recipe: Recipe, path: Path, rng: np.random.Generator) -> Truth:
    """Three packets inside groups are not in the file at all; the frames after them have lost their reference."""
    recipe, order, places = _written(recipe, path, rng)
    hurt = _victims(places, recipe.gop, rng)
    whole = path.with_name(f"{path.stem}.whole{path.suffix}")
    path.rename(whole)
    form = {"mkv": "matroska", "ts": "mpegts"}.get(recipe.container, recipe.container)
    with av.open(str(whole)) as source, av.open(str(path), "w", format=form, options=BITEXACT) as target:
        stream = source.streams.video[0]
        copy = target.add_stream_from_template(stream)
        for k, packet in enumerate(p for p in source.demux(stream) if p.size):
            if k not in hurt:
                packet.stream = copy
                target.mux(packet)
    whole.unlink()
    gone = {order[k] for k in hurt}
    return _truth(recipe, [k for k in range(recipe.frames) if k not in gone], _spoilt(hurt, order, places))


def lost_transport(path: Path, rng: np.random.Generator) -> Truth:
    """Transport packets of 188 bytes are missing inside three frames, as after loss on a network."""
    recipe, order, places = _written(TS, path, rng)
    data = path.read_bytes()
    hurt = _victims(places, recipe.gop, rng)
    gone = {(places[k].start // TRANSPORT_PACKET) + 1 for k in hurt}
    kept = [
        data[at : at + TRANSPORT_PACKET]
        for at in range(0, len(data), TRANSPORT_PACKET)
        if at // TRANSPORT_PACKET not in gone
    ]
    path.write_bytes(b"".join(kept))
    # which side of a packet boundary a loss lies on cannot be told: the frame before may be doubted too
    doubted = {order[k - 1] for k in hurt}
    return _truth(recipe, range(recipe.frames), _spoilt(hurt, order, places) | doubted)


def spoilt_container(path: Path, rng: np.random.Generator) -> Truth:
    """Matroska whose third cluster begins with noise: its frames are out of reach, the later clusters are not."""
    recipe = MKV.with_(muxer=(("cluster_time_limit", str(1000 * MKV.gop // 25)),))
    recipe, order, places = _written(recipe, path, rng)
    data = bytearray(path.read_bytes())
    cluster = bytes.fromhex("1F43B675")
    starts = [k for k in range(len(data)) if data[k : k + 4] == cluster]
    third, fourth = starts[2], starts[3]
    data[third : third + 40] = rng.bytes(40)
    path.write_bytes(bytes(data))
    hurt = [k for k, place in enumerate(places) if third <= place.start < fourth]
    return _truth(recipe, range(recipe.frames), _spoilt([hurt[0], hurt[-1]], order, places) | {order[k] for k in hurt})


def spoilt_key(path: Path, rng: np.random.Generator) -> Truth:
    """A key frame in the middle is noise: its whole group is lost, the groups around it are not."""
    recipe, order, places = _written(MP4, path, rng)
    data = bytearray(path.read_bytes())
    key = [k for k, place in enumerate(places) if place.key][2]
    start, end = places[key].start + 5, places[key].end
    data[start:end] = rng.bytes(end - start)
    path.write_bytes(bytes(data))
    return _truth(recipe, range(recipe.frames), _spoilt([key], order, places))


def _written(recipe: Recipe, path: Path, rng: np.random.Generator) -> tuple[Recipe, list[int], list[PacketPlace]]:
    """The undamaged file: its recipe, the display index of each packet, and where the packets lie."""
    recipe = renumbered(recipe, rng)
    write_video(path, recipe)
    places = packet_places(path)
    ranks = sorted(range(len(places)), key=lambda k: places[k].pts or 0)
    order = [0] * len(places)
    for index, k in enumerate(ranks):
        order[k] = index
    return recipe, order, places


def _victims(places: Sequence[PacketPlace], gop: int, rng: np.random.Generator) -> list[int]:
    """One packet in each of three groups, at least two frames behind its key frame; not in the last group."""
    keys = [k for k, place in enumerate(places) if place.key]
    groups = rng.choice(len(keys) - 1, 3, replace=False)
    return sorted(int(keys[group] + rng.integers(2, gop - 3)) for group in groups)


def _spoilt(hurt: Sequence[int], order: Sequence[int], places: Sequence[PacketPlace]) -> set[int]:
    """Display indices of all frames from a hurt packet to the end of its group."""
    indices: set[int] = set()
    for k in hurt:
        for later in range(k, len(places)):
            if later > k and places[later].key:
                break
            indices.add(order[later])
    return indices


def _truth(recipe: Recipe, shown: Sequence[int], spoilt: set[int]) -> Truth:
    """The truth of the frames `shown` (display indices of the recipe), of which `spoilt` may be damaged."""
    numbers, times = recipe.numbers, recipe.times()
    return Truth(
        tuple(numbers[k] for k in shown),
        tuple(times[k] - times[shown[0]] for k in shown),
        (recipe.width, recipe.height),
        tuple(k not in spoilt for k in shown),
    )


def damaged_cases() -> list[Case]:
    """All files with damage."""
    cases = [Case("no_index", ".mp4", "MP4 cut before its index", without_index, (3,))]
    for percent in (25, 50, 75):
        for recipe in (FAST_START, MKV, TS):
            cases.append(
                Case(
                    f"cut_{percent}_{recipe.container}",
                    f".{recipe.container}",
                    f"{recipe.container} cut at {percent} % of its bytes",
                    partial(cut_short, recipe, percent / 100),
                    (3, 4),
                )
            )
    kinds: list[tuple[str, str, Callable[..., Truth]]] = [
        ("one_bit", "one bit flipped in three packets", _flip_one),
        ("bits", "twenty bits flipped in three packets", _flip_many),
        ("noise", "two thirds of three packets overwritten", overwritten),
        ("dropped", "three packets missing", dropped),
    ]
    for name, what, make in kinds:
        for recipe in (MP4, MKV, TS):
            kind = recipe.container
            cases.append(Case(f"{name}_{kind}", f".{kind}", f"{what}, {kind}", partial(make, recipe), (5,)))
    cases.append(Case("lost_transport", ".ts", "transport packets missing", lost_transport, (5,)))
    cases.append(Case("spoilt_container", ".mkv", "a Matroska cluster without its head", spoilt_container, (3, 5)))
    cases.append(Case("spoilt_key", ".mp4", "a key frame overwritten", spoilt_key, (5,)))
    return cases
