"""Many faults, one error."""

from __future__ import annotations

from onlooker.records.formats.lines import refuse


def raise_faults(faults: list[str]) -> None:
    """Raise RecordError with a line for each fault, if there are any."""
    refuse(sorted(dict.fromkeys(faults), key=by_place))


def by_place(fault: str) -> tuple[str, int, str]:
    name, _, rest = fault.partition(":")
    number = rest.partition(":")[0]
    return name, int(number) if number.isdigit() else 0, fault
