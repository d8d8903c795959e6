"""Who plays: identity and outfit seeds of a scene's people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from onlooker.world.seeds import child_seed


@dataclass(frozen=True, slots=True)
class Cast:
    """Identities and outfits in the order of the roles; drawn from `seed` where the lists end."""

    seed: int
    people: int
    identities: tuple[int, ...] = ()
    outfits: tuple[int, ...] = ()

    def identity(self, role: int) -> int:
        """The identity seed of a role."""
        return self.identities[role] if role < len(self.identities) else child_seed(self.seed, "identity", role)

    def outfit(self, role: int) -> int:
        """The outfit seed of a role."""
        return self.outfits[role] if role < len(self.outfits) else child_seed(self.seed, "outfit", role)


def make_cast(seed: int, people: int, identities: Sequence[int] | None, outfits: Sequence[int] | None) -> Cast:
    """A cast with the given seeds first."""
    return Cast(seed, people, tuple(identities or ()), tuple(outfits or ()))
