"""What is true of a storyworld frame, as class numbers: what readers are trained on and judged by.

A fact that cannot be seen in a frame is HIDDEN there. Facts of a person exist only in frames with exactly
one.
"""

from __future__ import annotations

from collections.abc import Mapping

from moviedreamer_core.storyworld import facts
from moviedreamer_core.storyworld.facts import Appearance, Figure, Scene

HIDDEN = -1
MAX_PEOPLE = 3

SETTING: Mapping[str, tuple[object, ...]] = {
    "place": facts.PLACES,
    "time": facts.TIMES,
    "weather": facts.WEATHERS,
    "shot": facts.SHOTS,
    "people": tuple(range(MAX_PEOPLE + 1)),
}
PERSON: Mapping[str, tuple[object, ...]] = {
    "hair_colour": facts.HAIR_COLOURS,
    "outfit_colour": facts.COLOURS,
    "outfit": facts.OUTFITS,
    "action": facts.ACTIONS,
    "expression": facts.EXPRESSIONS,
    "glasses": (False, True),
    "hat": facts.HATS,
}
FACTS: Mapping[str, tuple[object, ...]] = {**SETTING, **PERSON}
WITHOUT_WEATHER = ("cave",)  # no sky, no window
BEFORE_THE_CHEST = ("reading", "cheering", "carrying")


def labels_of(scene: Scene) -> tuple[int, ...]:
    """The class number of every fact of FACTS in order, HIDDEN where the frame does not show it."""
    truth: dict[str, object] = {
        "place": scene.place,
        "time": scene.time,
        "shot": scene.shot,
        "people": len(scene.figures),
    }
    if scene.place not in WITHOUT_WEATHER:
        truth["weather"] = scene.weather
    if len(scene.figures) == 1:
        (figure,) = scene.figures
        truth |= {"action": figure.action, "expression": figure.expression}
        traits = {name for name in PERSON if name not in truth}
        truth |= {name: getattr(figure.appearance, name) for name in traits}
        if not shows_hair(figure.appearance):
            del truth["hair_colour"]
        if not shows_outfit_colour(figure, scene.shot):
            del truth["outfit_colour"]
    return tuple(values.index(truth[name]) if name in truth else HIDDEN for name, values in FACTS.items())


def shows_hair(appearance: Appearance) -> bool:
    """Whether the hair's colour can be seen: on the head, or in the beard."""
    return appearance.hair_style != "bald" or appearance.beard != "none"


def shows_outfit_colour(figure: Figure, shot: str) -> bool:
    """Whether the outfit's colour can be seen: close up, arms before the chest cover the straps of overalls."""
    return not (
        shot == "close" and figure.appearance.outfit == "overalls" and figure.action in BEFORE_THE_CHEST
    )
