"""The catalogue of actions: how each moves, what the hands do, how it reads, and which is which reversed in time."""

from __future__ import annotations

from dataclasses import dataclass

from onlooker.world import motions
from onlooker.world.motions import Motion
from onlooker.world.postures import POSTURES


@dataclass(frozen=True, slots=True)
class Action:
    """`hands` names what `reaching` does with them ("" nothing); `phrase` is a verb in the third person; {thing}
    and {other} stand for the target and the partner. `base` marks postures that replace standing in the truth."""

    motion: Motion
    phrase: str
    hands: str = ""
    base: bool = False
    reversed: str = ""


ACTIONS: dict[str, Action] = {
    "wave": Action(motions.wave, "waves", reversed="wave"),
    "talk": Action(motions.talk, "talks"),
    "point": Action(motions.still, "points at something", "point", reversed="point"),
    "clap": Action(motions.still, "claps", "clap", reversed="clap"),
    "jump": Action(motions.jump, "jumps"),
    "stretch": Action(motions.stretch, "stretches", reversed="stretch"),
    "look_around": Action(motions.look_around, "looks around", reversed="look_around"),
    "phone": Action(motions.speak, "talks on the phone", "ear"),
    "push": Action(motions.push, "pushes {other}", "push"),
    "stumble": Action(motions.stumble, "stumbles"),
    "reach": Action(motions.still, "reaches for {thing}", "reach", reversed="reach"),
    "pick_up": Action(motions.still, "picks up {thing}", "reach", reversed="put_down"),
    "put_down": Action(motions.still, "puts down {thing}", "reach", reversed="pick_up"),
    "hand_over": Action(motions.still, "hands {thing} to {other}", "reach", reversed="receive"),
    "receive": Action(motions.still, "takes {thing} from {other}", "reach", reversed="hand_over"),
    "drink": Action(motions.drink, "drinks from {thing}", "mouth", reversed="drink"),
    "carry": Action(motions.still, "carries {thing}"),
    "open": Action(motions.still, "opens {thing}", "handle", reversed="close"),
    "close": Action(motions.still, "closes {thing}", "handle", reversed="open"),
    "pour": Action(motions.still, "pours from {thing}", "reach"),
    "sit_down": Action(POSTURES["sit_down"], "sits down", reversed="stand_up"),
    "stand_up": Action(POSTURES["stand_up"], "stands up", reversed="sit_down"),
    "sit": Action(POSTURES["sit"], "sits", base=True, reversed="sit"),
    "crouch": Action(POSTURES["crouch"], "crouches", reversed="crouch"),
    "lie_down": Action(POSTURES["lie_down"], "lies down", reversed="get_up"),
    "get_up": Action(POSTURES["get_up"], "gets up", reversed="lie_down"),
    "lie": Action(POSTURES["lie"], "lies on the back", base=True, reversed="lie"),
    "lie_prone": Action(POSTURES["lie_prone"], "lies on the front", base=True, reversed="lie_prone"),
    "kick": Action(POSTURES["kick"], "kicks with arms and legs", base=True),
    "fall": Action(POSTURES["fall"], "falls"),
    "roll_over": Action(POSTURES["roll_over"], "rolls over", reversed="roll_back"),
    "roll_back": Action(POSTURES["roll_back"], "rolls back", reversed="roll_over"),
}

# what the truth calls the way a body moves over the ground
MOVING = {"walk": "walks", "run": "runs", "stand": "stands"}
# pairs that only the direction of time tells apart
REVERSED_PAIRS = (
    ("sit_down", "stand_up"),
    ("pick_up", "put_down"),
    ("lie_down", "get_up"),
    ("open", "close"),
    ("roll_over", "roll_back"),
)
