"""What is true of every frame, person by person, as class numbers; -1 where a frame does not have it.

N frames, X labels, P people at most.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from moviedreamer_core.storyworld import facts
from moviedreamer_core.storyworld.drawing import figure_boxes
from moviedreamer_core.storyworld.facts import Figure, Scene
from moviedreamer_core.storyworld.places import ACCENTS, NUM_ARRANGEMENTS, layout_of

MAX_PEOPLE = 3
ABSENT = -1
WITHOUT_WEATHER = ("cave",)  # no sky and no window; a frame cannot be asked what the weather is there

SETTING: Mapping[str, tuple[object, ...]] = {
    "place": facts.PLACES, "time": facts.TIMES, "weather": facts.WEATHERS, "shot": facts.SHOTS,
    "people": tuple(range(MAX_PEOPLE + 1)), "accent": tuple(range(len(ACCENTS))),
    "arrangement": tuple(range(NUM_ARRANGEMENTS)),
}  # fmt: skip
PERSON: Mapping[str, tuple[object, ...]] = {
    "action": facts.ACTIONS, "expression": facts.EXPRESSIONS, "gender": facts.GENDERS, "age": facts.AGES,
    "skin": facts.SKINS, "hair_colour": facts.HAIR_COLOURS, "hair_style": facts.HAIR_STYLES, "hat": facts.HATS,
    "hat_colour": facts.COLOURS, "glasses": (False, True), "beard": facts.BEARDS, "outfit": facts.OUTFITS,
    "outfit_colour": facts.COLOURS,
}  # fmt: skip
LABELS: Mapping[str, tuple[object, ...]] = {
    **SETTING,
    **{f"{person}.{name}": values for person in range(1, MAX_PEOPLE + 1) for name, values in PERSON.items()},
}


def labels_of(scene: Scene) -> tuple[int, ...]:
    """The class number of every entry of LABELS, in order. Arrangement counts as it is seen, mirrored or not."""
    layout = layout_of(scene.place, scene.layout_seed)
    truth: dict[str, object] = {
        "place": scene.place, "time": scene.time, "shot": scene.shot,
        "people": len(scene.figures), "accent": layout.accent,
        "arrangement": layout.arrangement ^ scene.mirrored,  # 2k and 2k + 1 mirror each other
    }  # fmt: skip
    if scene.place not in WITHOUT_WEATHER:
        truth["weather"] = scene.weather
    for person, figure in enumerate(scene.figures, start=1):
        truth |= {f"{person}.{name}": value for name, value in _person(figure).items()}
    return tuple(values.index(truth[name]) if name in truth else ABSENT for name, values in LABELS.items())


def boxes_of(scene: Scene) -> np.ndarray:
    """[P, 5] left, top, right, bottom and chin of each person, see `FigureBox`; 0 beyond the last of them."""
    boxes = np.zeros((MAX_PEOPLE, 5), np.float32)
    for row, box in zip(boxes, figure_boxes(scene)):
        row[:] = box.left, box.top, box.right, box.bottom, box.chin
    return boxes


def _person(figure: Figure) -> dict[str, object]:
    looks = figure.appearance
    traits = {name: getattr(looks, name) for name in PERSON if name not in ("action", "expression")}
    if looks.hat == "none":
        del traits["hat_colour"]
    if looks.hair_style == "bald" and looks.beard == "none":
        del traits["hair_colour"]
    return {"action": figure.action, "expression": figure.expression, **traits}
