"""What each method says of itself, for `onlooker methods`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from onlooker.methods.registry import Method, discover, find


def cards(name: str | None = None, *, count: bool = False) -> list[dict[str, Any]]:
    """One table per method; with `count`, parameters and multiply-adds of each variant (loads torch).

    Raises ConfigError for an unknown name.

    >>> cards("timesformer")[0]["task"]
    'recognition'
    """
    methods = list(discover().values()) if name is None else [find(name)]
    return [_card(method, count=count) for method in methods]


def _card(method: Method, *, count: bool) -> dict[str, Any]:
    card: dict[str, Any] = {
        "name": method.name,
        "task": method.task,
        "title": method.title,
        "summary": method.summary,
        "paper": method.paper,
        "variants": list(method.variants),
        "proof": method.has("proof"),
        "parity": method.has("parity"),
        "convert": method.has("convert"),
        "code_licence": method.code_licence,
        "weights_licence": method.weights_licence,
    }
    if count:
        model = method.load("model")
        card["sizes"] = {variant: model.measure(variant) for variant in method.variants}
    return card


def card_lines(cards: list[dict[str, Any]]) -> Iterator[str]:
    """The table that the command prints."""
    width = max((len(card["name"]) for card in cards), default=0)
    for card in cards:
        marks = [mark for mark in ("parity", "proof", "convert") if card[mark]]
        yield f"{card['name']:<{width}}  {card['task']:<11}  {card['summary']} ({card['paper']})"
        yield f"{'':<{width}}  variants {', '.join(card['variants'])}; {', '.join(marks) or 'no parity or proof yet'}"
        yield f"{'':<{width}}  licences: code {card['code_licence']}, weights {card['weights_licence']}"
        for variant, size in card.get("sizes", {}).items():
            figures = f"{size['parameters'] / 1e6:.1f} M parameters, {size['multiply_adds'] / 1e9:.1f} G multiply-adds"
            yield f"{'':<{width}}    {variant:<18} {figures}"
