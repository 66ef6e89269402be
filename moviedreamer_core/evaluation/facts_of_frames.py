"""What is true of a storyworld frame, as class numbers: what readers are trained on and judged by.

A fact that cannot be seen in a frame is HIDDEN there. Facts of a person exist only in frames with exactly
one.
"""

from __future__ import annotations

from collections.abc import Mapping

from moviedreamer_core.data import frame_labels
from moviedreamer_core.data.frame_labels import LABELS
from moviedreamer_core.storyworld.facts import Figure, Scene

HIDDEN = frame_labels.ABSENT

SETTING: Mapping[str, tuple[object, ...]] = {
    name: frame_labels.SETTING[name] for name in ("place", "time", "weather", "shot", "people")
}
PERSON: Mapping[str, tuple[object, ...]] = {
    name: frame_labels.PERSON[name]
    for name in ("hair_colour", "outfit_colour", "outfit", "action", "expression", "glasses", "hat")
}
FACTS: Mapping[str, tuple[object, ...]] = {**SETTING, **PERSON}
BEFORE_THE_CHEST = ("reading", "cheering", "carrying")


def labels_of(scene: Scene) -> tuple[int, ...]:
    """The class number of every fact of FACTS in order, HIDDEN where the frame does not show it."""
    known = dict(zip(LABELS, frame_labels.labels_of(scene), strict=True))
    alone = len(scene.figures) == 1
    truth = {name: known[name] for name in SETTING}
    truth |= {name: known[f"1.{name}"] if alone else HIDDEN for name in PERSON}
    if alone and not shows_outfit_colour(scene.figures[0], scene.shot):
        truth["outfit_colour"] = HIDDEN
    return tuple(truth.values())


def shows_outfit_colour(figure: Figure, shot: str) -> bool:
    """Whether the outfit's colour can be seen: close up, arms before the chest cover the straps of overalls."""
    return not (
        shot == "close" and figure.appearance.outfit == "overalls" and figure.action in BEFORE_THE_CHEST
    )
