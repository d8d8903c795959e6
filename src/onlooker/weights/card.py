"""Who may use a set of weights: licences of code, weights and data, kept in the file beside the tensors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

from onlooker.errors import LicenceError, UnsafeCheckpoint
from onlooker.weights.inputs import InputSpec

METADATA_KEY = "onlooker"

COMMERCIAL = frozenset(
    {
        "apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "isc", "0bsd", "unlicense", "zlib", "mpl-2.0",
        "cc0-1.0", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0", "cdla-permissive-2.0", "none",
    }
)  # fmt: skip
"""Licences known to allow commercial use (`none`: nobody else's code or data is in it). Any other name is refused."""


@dataclass(frozen=True, slots=True)
class Card:
    """What is known about a set of weights.

    `config` holds the architecture's numbers as JSON text, `spec` the preprocessing, `labels` the class names,
    `multi_label` that several classes may hold together, `origin` where the weights come from and `origin_sha256` the
    digest of that file.
    """

    method: str
    variant: str = ""
    code_licence: str = "unknown"
    weights_licence: str = "unknown"
    data_licence: str = "unknown"
    origin: str = ""
    origin_sha256: str = ""
    config: str = ""
    spec: InputSpec | None = None
    labels: tuple[str, ...] = ()
    multi_label: bool = False

    def forbids_commercial(self) -> tuple[str, ...]:
        """The parts whose licence is not known to allow commercial use.

        >>> Card("a", code_licence="MIT", weights_licence="CC-BY-NC-4.0", data_licence="CC0-1.0").forbids_commercial()
        ('weights: CC-BY-NC-4.0',)
        """
        parts = {"code": self.code_licence, "weights": self.weights_licence, "data": self.data_licence}
        return tuple(f"{part}: {name}" for part, name in parts.items() if name.lower() not in COMMERCIAL)

    def check_commercial(self) -> None:
        """Raise LicenceError when a part does not allow commercial use, or is not known to."""
        if forbidden := self.forbids_commercial():
            raise LicenceError(
                f"{self.method}{'/' + self.variant if self.variant else ''}: commercial use was asked for, but not all "
                f"licences are known to allow it ({', '.join(forbidden)}). Use other weights, or ask their owners."
            )

    def to_metadata(self) -> dict[str, str]:
        """The text that is kept in the safetensors header."""
        return {METADATA_KEY: json.dumps(asdict(self), sort_keys=True)}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str], name: str) -> Card | None:
        """The card of a file named `name`, or None when it has none. Raises UnsafeCheckpoint for a malformed one."""
        text = metadata.get(METADATA_KEY)
        if text is None:
            return None
        try:
            values = json.loads(text)
            unknown = set(values) - {field.name for field in fields(cls)}
            if unknown:
                raise ValueError(f"unknown names {sorted(unknown)}")
            spec = values.pop("spec", None)
            labels = tuple(str(label) for label in values.pop("labels", ()))
            several = values.pop("multi_label", False)
            if not isinstance(several, bool):
                raise ValueError("multi_label is neither true nor false")
            plain = {key: str(value) for key, value in values.items()}
            read = None if spec is None else InputSpec.from_dict(spec)
            return cls(**plain, spec=read, labels=labels, multi_label=several)
        except (ValueError, TypeError, AttributeError) as error:
            raise UnsafeCheckpoint(f"{name}: its card is malformed ({error}). Convert the weights again.") from None
