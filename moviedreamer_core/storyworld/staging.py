"""What happens: scenes of an episode, keyframe after keyframe.

A run of keyframes shares a place and a time; time moves on between runs; people come and go one by one, keep
their order from left to right for the run, and a place keeps its layout for the whole episode.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from moviedreamer_core.storyworld.casting import weighted
from moviedreamer_core.storyworld.facts import ACTIONS, EXPRESSIONS, PLACES, TIMES, Appearance, Figure, Scene
from moviedreamer_core.storyworld.grammar import choose

NUM_PLACES = {2: 0.35, 3: 0.4, 4: 0.25}
NUM_PRESENT = {  # by the cast's size; over all casts 5%, 45%, 35%, 15%
    2: {0: 0.05, 1: 0.45, 2: 0.5},
    3: {0: 0.05, 1: 0.45, 2: 0.3125, 3: 0.1875},
    4: {0: 0.05, 1: 0.45, 2: 0.3125, 3: 0.1875},
}
SHOTS = {  # by the number of people in frame: an empty place is shown whole, a crowd is not shown close
    0: {"wide": 1.0},
    1: {"wide": 0.3, "medium": 0.36, "close": 0.34},
    2: {"wide": 0.4, "medium": 0.42, "close": 0.18},
    3: {"wide": 0.55, "medium": 0.45},
}
SLEEPERS_EXPRESSIONS = {"calm": 0.6, "happy": 0.25, "sad": 0.15}
WEATHERS = {"clear": 0.5, "rain": 0.27, "snow": 0.23}
SNOWLESS_PLACES = ("desert",)

MIN_RUN, MAX_RUN = 2, 6  # keyframes that share a place and a time
NEXT_TIME_PROBABILITY = 0.65
NEW_WEATHER_BY_RUN, NEW_WEATHER_BY_KEYFRAME = 0.3, 0.04
KEEP_NUM_PRESENT_PROBABILITY = 0.5
KEEP_ACTION_PROBABILITY = 0.2
FACE_INWARD_PROBABILITY = 0.75


def sample_scenes(
    rng: np.random.Generator, cast: Sequence[Appearance], *, num_keyframes: int
) -> tuple[Scene, ...]:
    """The scenes of an episode with this cast (2 to 4 people), in narrative order."""
    layouts = _sample_layouts(rng)
    time_index, weather, place = int(rng.random() * len(TIMES)), weighted(rng, WEATHERS), ""
    scenes: list[Scene] = []
    while len(scenes) < num_keyframes:
        place = choose(rng, [other for other in layouts if other != place])
        if scenes:
            time_index += rng.random() < NEXT_TIME_PROBABILITY
            weather = _next_weather(rng, weather, NEW_WEATHER_BY_RUN)
        length = min(int(rng.integers(MIN_RUN, MAX_RUN + 1)), num_keyframes - len(scenes))
        run = _Run(rng, cast)
        for _ in range(length):
            weather = _next_weather(rng, weather, NEW_WEATHER_BY_KEYFRAME)
            figures = run.next_figures()
            scenes.append(
                Scene(
                    place=place,
                    layout_seed=layouts[place],
                    time=TIMES[time_index % len(TIMES)],
                    weather="clear" if weather == "snow" and place in SNOWLESS_PLACES else weather,
                    shot=weighted(rng, SHOTS[len(figures)]),
                    figures=figures,
                    camera_x=float(np.clip(run.camera_x + rng.normal(0, 0.12), -1, 1)),
                )
            )
    return tuple(scenes)


def _sample_layouts(rng: np.random.Generator) -> dict[str, int]:
    """The episode's places, each with its layout seed."""
    places = rng.permutation(len(PLACES))[: weighted(rng, NUM_PLACES)]
    return {PLACES[place]: int(rng.integers(2**31)) for place in places}


def _next_weather(rng: np.random.Generator, weather: str, new_probability: float) -> str:
    return weighted(rng, WEATHERS) if rng.random() < new_probability else weather


class _Run:
    """Keyframes that share a place: who is present, in which order from left to right, doing what."""

    def __init__(self, rng: np.random.Generator, cast: Sequence[Appearance]) -> None:
        self._rng, self._cast = rng, cast
        self._order = [int(member) for member in rng.permutation(len(cast))]  # from left to right
        self._lean = rng.uniform(-0.04, 0.04, len(cast))  # where in their part of the frame each stands
        self._present: list[int] = []
        self._actions: dict[int, str] = {}
        self.camera_x = float(rng.uniform(-0.5, 0.5))
        self._is_new = True

    def next_figures(self) -> tuple[Figure, ...]:
        self._change_who_is_present()
        count = len(self._present)
        return tuple(self._figure(member, slot, count) for slot, member in enumerate(self._present))

    def _change_who_is_present(self) -> None:
        rng = self._rng
        if self._is_new or rng.random() >= KEEP_NUM_PRESENT_PROBABILITY:
            count = weighted(rng, NUM_PRESENT[len(self._cast)])
        else:
            count = len(self._present)
            if 0 < count < len(self._cast) and rng.random() < 0.25:  # one leaves as another comes
                self._present.remove(choose(rng, self._present))
        self._is_new = False
        while len(self._present) > count:
            self._present.remove(choose(rng, self._present))
        while len(self._present) < count:
            self._present.append(
                choose(rng, [member for member in self._order if member not in self._present])
            )
        self._present.sort(key=self._order.index)

    def _figure(self, member: int, slot: int, count: int) -> Figure:
        rng = self._rng
        if member not in self._actions or rng.random() >= KEEP_ACTION_PROBABILITY:
            self._actions[member] = choose(rng, ACTIONS)
        action = self._actions[member]
        expression = weighted(rng, SLEEPERS_EXPRESSIONS) if action == "sleeping" else choose(rng, EXPRESSIONS)
        jitter = (0.2 if count == 1 else 0.03) * (2 * rng.random() - 1)
        x = float(np.clip(0.08 + 0.84 * (slot + 0.5) / count + self._lean[member] + jitter, 0.1, 0.9))
        inward = 1 if x < 0.5 else -1
        return Figure(
            character=member,
            appearance=self._cast[member],
            action=action,
            expression=expression,
            x=x,
            facing=inward if rng.random() < FACE_INWARD_PROBABILITY else -inward,
        )
