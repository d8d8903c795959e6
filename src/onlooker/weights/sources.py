"""Where a checkpoint lies: a local path, or `hf://` for a public one. Only `hf://` ever uses the network."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from onlooker.errors import ConfigError, UnsafeCheckpoint, WeightsError
from onlooker.storage import sha256_of

PICKLES = (".pth", ".pyth", ".pt", ".ckpt", ".bin", ".pkl", ".pickle", ".tar", ".npy", ".npz", ".h5")

_HUB = re.compile(r"hf://(?P<org>[\w.-]+)/(?P<name>[\w.-]+?)(?:@(?P<revision>[\w.-]+))?/(?P<file>[\w./-]+)")


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A safetensors file on this machine and the digest of its content."""

    path: Path
    sha256: str


def locate(source: str | Path, *, sha256: str | None = None) -> LocalFile:
    """The safetensors file behind `source`, downloaded if it is `hf://org/name[@revision]/file`.

    Raises ConfigError for a file that is not there or a malformed address, UnsafeCheckpoint for a pickle or when the
    digest is not `sha256`, WeightsError when the hub cannot be reached.
    """
    text = str(source)
    refuse_pickle(text)
    path = _download(text) if text.startswith("hf://") else Path(source)
    if not path.is_file():
        raise ConfigError(f"{path.name}: no weights there (looked in {path.parent.absolute()}). Check the path.")
    digest = sha256_of(path)
    if sha256 is not None and digest != sha256.lower():
        raise UnsafeCheckpoint(
            f"{path.name}: its sha256 is {digest}, expected {sha256.lower()}. The file was changed or damaged on its "
            "way: fetch it again from its publisher."
        )
    return LocalFile(path, digest)


def refuse_pickle(name: str) -> None:
    """Raise UnsafeCheckpoint for a name that says pickle."""
    if name.lower().endswith(PICKLES):
        file = name.rsplit("/", 1)[-1]
        raise UnsafeCheckpoint(
            f"{file}: only safetensors files are loaded, because a pickle can run code. "
            f"Convert it once, in a sandbox: onlooker weights convert {file} --method NAME --out FILE.safetensors"
        )


def _download(address: str) -> Path:
    match = _HUB.fullmatch(address)
    if match is None:
        raise ConfigError(f"{address}: not an address of the form hf://org/name[@revision]/file.safetensors.")
    from huggingface_hub import hf_hub_download

    try:
        return Path(hf_hub_download(f"{match['org']}/{match['name']}", match["file"], revision=match["revision"]))
    except Exception as error:
        raise WeightsError(
            f"{address}: could not be fetched ({type(error).__name__}: {str(error).splitlines()[0][:200]}). Check the "
            "address and the network, or download the file yourself and pass its path."
        ) from error
