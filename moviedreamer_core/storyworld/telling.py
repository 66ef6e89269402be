"""How an episode's story is told: which facts are said, in which part of the script, and which stay
unsaid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from moviedreamer_core.script import Character, CharacterInFrame, KeyframeScript, Story
from moviedreamer_core.storyworld.casting import weighted
from moviedreamer_core.storyworld.facts import INDOOR_PLACES, Appearance, Scene
from moviedreamer_core.storyworld.grammar import choose
from moviedreamer_core.storyworld.said import Said
from moviedreamer_core.storyworld.sentences_people import say_appearance, say_doing
from moviedreamer_core.storyworld.sentences_plot import say_plot
from moviedreamer_core.storyworld.sentences_setting import say_setting

SAY_TIME, SAY_SHOT = 0.9, 0.85
SAY_WEATHER = {"clear": 0.4, "rain": 0.9, "snow": 0.9}
SAY_DOING = 0.85  # in a sentence of the character's own
SAY_EXPRESSION_WHEN_DOING = 0.8
PLOT_MUST_SAY_ACTION, PLOT_MUST_SAY_EXPRESSION = 0.97, 0.9  # where the characters' sentences do not
PLOT_ALSO_SAYS_ACTION, PLOT_ALSO_SAYS_EXPRESSION = 0.7, 0.3
PLACE_IN = {"elements": 0.45, "plot": 0.25, "both": 0.3}  # said in at least one of them
ELEMENT_NOT_PLOT = 0.75  # time and weather stand in a scene element rather than in the plot
TWO_SENTENCES = 0.6  # where a character's traits are enough for two


def story_of(
    rng: np.random.Generator,
    names: Sequence[str],
    cast: Sequence[Appearance],
    said_traits: Sequence[Sequence[str]],
    scenes: Sequence[Scene],
    *,
    seed: int = 0,
) -> tuple[Story, tuple[tuple[Said, ...], ...]]:
    """The story of these scenes, and per keyframe its sentences in script order with what they say.

    `said_traits[c]` lists what the cast list tells of member c's looks (see sentences_people.TRAITS).
    """
    looks = [
        _introduction(rng, name, person, traits)
        for name, person, traits in zip(names, cast, said_traits, strict=True)
    ]
    told = [_tell_keyframe(rng, names, scene) for scene in scenes]
    story = Story(
        title=_title(rng, names, scenes),
        seed=seed,
        characters=tuple(
            Character(name=name, description=_joined(said), faces=(f"faces/{name.lower()}.png",))
            for name, said in zip(names, looks, strict=True)
        ),
        keyframes=tuple(keyframe.script(names, scene) for keyframe, scene in zip(told, scenes, strict=True)),
    )
    said = tuple(keyframe.in_script_order(looks, scene) for keyframe, scene in zip(told, scenes, strict=True))
    return story, said


@dataclass(frozen=True, kw_only=True)
class _Told:
    """One keyframe's own sentences; `doings` has one entry per figure, None where the plot speaks for it."""

    doings: tuple[Said | None, ...]
    elements: tuple[Said, ...]
    plot: Said

    def script(self, names: Sequence[str], scene: Scene) -> KeyframeScript:
        return KeyframeScript(
            plot=self.plot.text,
            scene_elements=tuple(said.text for said in self.elements),
            characters=tuple(
                CharacterInFrame(name=names[figure.character], description=doing.text if doing else "")
                for figure, doing in zip(scene.figures, self.doings, strict=True)
            ),
        )

    def in_script_order(self, looks: Sequence[Sequence[Said]], scene: Scene) -> tuple[Said, ...]:
        people = [
            said
            for figure, doing in zip(scene.figures, self.doings, strict=True)
            for said in (*looks[figure.character], *((doing,) if doing else ()))
        ]
        return (*people, *self.elements, self.plot)


def _introduction(
    rng: np.random.Generator, name: str, person: Appearance, traits: Sequence[str]
) -> tuple[Said, ...]:
    """One or two sentences about a person's looks; the second says "she" or "he" where the gender may be
    said."""
    shuffled = [traits[index] for index in rng.permutation(len(traits))]
    first = [trait for trait in shuffled if trait in ("gender", "age")]
    rest = [trait for trait in shuffled if trait not in ("gender", "age")]
    if len(rest) < 2 or rng.random() >= TWO_SENTENCES:
        return (say_appearance(rng, name, person, shuffled),)
    cut = int(rng.integers(1, len(rest)))
    second = rest[cut:] + (["gender"] if "gender" in first else [])
    return say_appearance(rng, name, person, first + rest[:cut]), say_appearance(rng, name, person, second)


def _tell_keyframe(rng: np.random.Generator, names: Sequence[str], scene: Scene) -> _Told:
    here = [names[figure.character] for figure in scene.figures]
    doings = []
    for name, figure in zip(here, scene.figures, strict=True):
        expression = figure.expression if rng.random() < SAY_EXPRESSION_WHEN_DOING else None
        doings.append(say_doing(rng, name, figure.action, expression) if rng.random() < SAY_DOING else None)
    told = [dict(doing.facts) if doing else {} for doing in doings]
    in_elements, in_plot = _share_out(rng, scene)
    for fact, must, also in (
        ("action", PLOT_MUST_SAY_ACTION, PLOT_ALSO_SAYS_ACTION),
        ("expression", PLOT_MUST_SAY_EXPRESSION, PLOT_ALSO_SAYS_EXPRESSION),
    ):
        is_missing = any(f"1.{fact}" not in facts for facts in told)
        if rng.random() < (must if is_missing else also):
            in_plot.append(fact)
    return _Told(
        doings=tuple(doings),
        elements=_elements(rng, scene, in_elements),
        plot=say_plot(rng, here, scene.figures, scene, in_plot),
    )


def _share_out(rng: np.random.Generator, scene: Scene) -> tuple[list[str], list[str]]:
    """The facts of the setting that the scene elements say, and those that the plot says."""
    where = weighted(rng, PLACE_IN)
    in_elements = ["place"] if where != "plot" else []
    in_plot = ["place"] if where != "elements" else []
    for fact, probability in (("time", SAY_TIME), ("weather", SAY_WEATHER[scene.weather])):
        if rng.random() < probability:
            (in_elements if rng.random() < ELEMENT_NOT_PLOT else in_plot).append(fact)
    if rng.random() < SAY_SHOT:
        in_elements.append("shot")
    return in_elements or ["place"], in_plot


def _elements(rng: np.random.Generator, scene: Scene, facts: Sequence[str]) -> tuple[Said, ...]:
    """One to three sentences that share `facts` among them."""
    shuffled = [facts[index] for index in rng.permutation(len(facts))]
    count = min(len(shuffled), int(rng.integers(1, 4)))
    cuts = sorted(int(cut) + 1 for cut in rng.permutation(len(shuffled) - 1)[: count - 1])
    groups = [shuffled[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(shuffled)], strict=True)]
    indoor = scene.place in INDOOR_PLACES
    return tuple(
        say_setting(rng, **{fact: getattr(scene, fact) for fact in group}, indoor=indoor) for group in groups
    )


def _title(rng: np.random.Generator, names: Sequence[str], scenes: Sequence[Scene]) -> str:
    place = scenes[int(rng.random() * len(scenes))].place
    return choose(
        rng, ("{name} and the {place}", "The {place}", "{name} at the {place}", "{name} and {friend}")
    ).format(name=names[0], friend=names[1], place=place.capitalize())


def _joined(said: Sequence[Said]) -> str:
    return " ".join(one.text for one in said)
