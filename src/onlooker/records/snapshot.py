"""The state of a running analysis as bytes and back: plain values and NumPy arrays, never a pickle.

The file is a zip of `tree.json` and one `.npy` per array. Types survive exactly: tuples stay tuples, integer keys stay
integers, NumPy scalars keep their dtype, NaN stays NaN. Equal states give equal bytes.
"""

from __future__ import annotations

import base64
import io
import json
import math
import zipfile
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onlooker.errors import StorageError

_TREE = "tree.json"
_MOMENT = (1980, 1, 1, 0, 0, 0)


def dump_state(state: Any) -> bytes:
    """Bytes of a nested state of None, bool, int, float, str, bytes, list, tuple, dict, NumPy arrays and scalars.

    Errors: StorageError naming the place of anything else.

    >>> load_state(dump_state({"ids": {3: (1, 2.5)}, "mean": np.zeros(2)}))["ids"]
    {3: (1, 2.5)}
    """
    arrays: list[NDArray[Any]] = []
    tree = _encode(state, "state", arrays)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr(zipfile.ZipInfo(_TREE, _MOMENT), json.dumps(tree, allow_nan=False).encode())
        for index, array in enumerate(arrays):
            entry = io.BytesIO()
            np.lib.format.write_array(entry, array, allow_pickle=False)
            info = zipfile.ZipInfo(f"{index}.npy", _MOMENT)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, entry.getvalue())
    return buffer.getvalue()


def load_state(data: bytes) -> Any:
    """The state that `dump_state` wrote. Errors: StorageError when the bytes are damaged."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            tree = json.loads(archive.read(_TREE))
            arrays = [
                np.lib.format.read_array(io.BytesIO(archive.read(f"{index}.npy")), allow_pickle=False)
                for index in range(len(archive.namelist()) - 1)
            ]
        return _decode(tree, arrays)
    except (zipfile.BadZipFile, zlib.error, KeyError, IndexError, ValueError, TypeError, EOFError) as error:
        raise StorageError(f"the saved state is damaged ({error}): start the run over in a fresh folder.") from error


# Everything that JSON has no type for is written as {"~kind": value}; a real dict is always a list of pairs,
# so no key of the user's can be mistaken for one of these.
def _encode(value: Any, where: str, arrays: list[NDArray[Any]]) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return _encode_numpy(value, where, arrays)
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {"~float": repr(float(value))}
    if isinstance(value, bytes):
        return {"~bytes": base64.b64encode(value).decode()}
    if type(value) is list:
        return [_encode(item, f"{where}[{index}]", arrays) for index, item in enumerate(value)]
    if type(value) is tuple:
        return {"~tuple": [_encode(item, f"{where}[{index}]", arrays) for index, item in enumerate(value)]}
    if type(value) is dict:
        pairs = [[_encode(k, where, arrays), _encode(v, f"{where}[{k!r}]", arrays)] for k, v in value.items()]
        return {"~dict": pairs}
    raise StorageError(
        f"{where} is a {type(value).__name__}: a state holds only numbers, strings, bytes, lists, tuples, dicts and "
        "NumPy arrays."
    )


def _encode_numpy(value: NDArray[Any] | np.generic, where: str, arrays: list[NDArray[Any]]) -> Any:
    array = np.asarray(value)
    if array.dtype.hasobject:
        raise StorageError(f"{where} is an array of Python objects: use a numeric or fixed-width string dtype.")
    arrays.append(array)
    return {"~array" if isinstance(value, np.ndarray) else "~scalar": len(arrays) - 1}


def _decode(node: Any, arrays: list[NDArray[Any]]) -> Any:
    if isinstance(node, list):
        return [_decode(item, arrays) for item in node]
    if not isinstance(node, dict):
        return node
    ((kind, content),) = node.items()
    match kind:
        case "~float":
            return float(content)
        case "~bytes":
            return base64.b64decode(content)
        case "~tuple":
            return tuple(_decode(item, arrays) for item in content)
        case "~dict":
            return {_decode(key, arrays): _decode(item, arrays) for key, item in content}
        case "~array":
            return arrays[content]
        case "~scalar":
            return arrays[content][()]
    raise ValueError(f"unknown node {kind!r}")
