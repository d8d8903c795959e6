"""Interactive prototypes: verbs find the active object of first-person clips (Wang et al., ICCV 2021)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onlooker.methods.recognition.ipl.config import SPECS, VARIANTS, Config
from onlooker.methods.registry import Method, lazy_exports, register

if TYPE_CHECKING:
    from onlooker.methods.recognition.ipl.head import Interaction, InteractiveHead
    from onlooker.methods.recognition.ipl.model import IPL

register(
    Method(
        name="ipl",
        package=__name__,
        title="Interactive prototype learning",
        summary="Verb and noun of first-person clips; verb prototypes pick out the object that is acted on",
        paper="Wang, Zhu, Wang, Yang, ICCV 2021, pp. 8148-8157",
        variants=tuple(VARIANTS),
        code_licence="none published",
        weights_licence="none published",
    )
)
__getattr__ = lazy_exports(__name__, {"IPL": "model", "Interaction": "head", "InteractiveHead": "head"})

__all__ = ["IPL", "SPECS", "VARIANTS", "Config", "Interaction", "InteractiveHead"]
