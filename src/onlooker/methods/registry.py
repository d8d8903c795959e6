"""Which methods exist. A plain dict that each method's folder adds one line to when it is imported; no torch here."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from onlooker.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Method:
    """What can be said of a method without loading it.

    `package` is the folder's import name (pass `__name__`), `fixtures` the names of recorded reference outputs that
    its `parity.py` reads (its own name when empty). Licences are those of the authors' code and published weights.
    """

    name: str
    package: str
    title: str
    summary: str
    paper: str
    variants: tuple[str, ...] = ("default",)
    code_licence: str = "unknown"
    weights_licence: str = "unknown"
    fixtures: tuple[str, ...] = ()

    @property
    def task(self) -> str:
        """The question that it answers: the name of the group folder."""
        return self.package.split(".")[-2]

    @property
    def readme(self) -> str:
        """The method's card, as a path inside the installed package."""
        return self.package.replace(".", "/") + "/README.md"

    def has(self, module: str) -> bool:
        """Whether the folder holds `module` (`parity`, `proof`, `convert`), found without importing it."""
        return importlib.util.find_spec(f"{self.package}.{module}") is not None

    def load(self, module: str) -> Any:
        """Import a module of the folder (this is where torch comes in). Raises ConfigError when it has none."""
        if not self.has(module):
            raise ConfigError(f"{self.name} has no {module}.py, so this cannot be done with it.")
        return importlib.import_module(f"{self.package}.{module}")


METHODS: dict[str, Method] = {}


def register(method: Method) -> Method:
    """The one line of a method's `__init__.py`. Raises ConfigError when two folders claim one name."""
    known = METHODS.get(method.name)
    if known is not None and known.package != method.package:
        raise ConfigError(f"{method.package} and {known.package} both register {method.name!r}: rename one of them.")
    METHODS[method.name] = method
    return method


def discover() -> dict[str, Method]:
    """Import every method's folder and give all registered methods by name, sorted."""
    root = importlib.import_module("onlooker.methods")
    for group in pkgutil.iter_modules(root.__path__, "onlooker.methods."):
        if not group.ispkg:
            continue
        package = importlib.import_module(group.name)
        for folder in pkgutil.iter_modules(package.__path__, group.name + "."):
            if folder.ispkg:
                importlib.import_module(folder.name)
    return dict(sorted(METHODS.items()))


def find(name: str) -> Method:
    """The method called `name`. Raises ConfigError that offers the nearest name.

    >>> find("timesformer").task
    'recognition'
    """
    methods = METHODS if name in METHODS else discover()
    if name in methods:
        return methods[name]
    near = difflib.get_close_matches(name, methods, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(methods) or 'none'}."
    raise ConfigError(f"there is no method {name!r}. {hint}")


def lazy_exports(package: str, names: dict[str, str]) -> Callable[[str], Any]:
    """A module-level `__getattr__` that loads a name from a module of `package` on first use.

    `names` is name -> module. It keeps torch out of `import onlooker.methods...` until a model is wanted.
    """

    def load(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(f"{package}.{names[name]}"), name)
        setattr(sys.modules[package], name, value)
        return value

    return load
