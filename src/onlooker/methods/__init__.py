"""One folder per published method, grouped by the question it answers.

`METHODS` is filled when a method's folder is imported; `discover()` imports them all, without torch.
"""

from onlooker.methods.registry import METHODS, Method, discover, find, lazy_exports, register

__all__ = ["METHODS", "Method", "discover", "find", "lazy_exports", "register"]
