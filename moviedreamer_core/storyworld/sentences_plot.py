"""Story sentences: what everybody in the frame does and feels, and where and when."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from moviedreamer_core.storyworld.facts import INDOOR_PLACES, Figure, Scene
from moviedreamer_core.storyworld.grammar import Verb, choose, finished, listed, phrases, pick, verbs
from moviedreamer_core.storyworld.phrases_doing import ACTIONS, EXPRESSIONS, MOVING_ACTIONS
from moviedreamer_core.storyworld.phrases_people import PERSONS, PRONOUNS
from moviedreamer_core.storyworld.phrases_setting import FAR_PLACES, PLACES, TIMES, WEATHERS
from moviedreamer_core.storyworld.phrases_story import (
    ASIDES,
    CLOSERS,
    FAR_GLANCES,
    GLANCES,
    OPENERS,
    THINGS,
    TOGETHER,
)
from moviedreamer_core.storyworld.said import Facts, Said

INCLUDABLE = ("place", "time", "weather", "action", "expression")
TENSES = (
    ("present",) * 5 + ("present continuous",) * 3 + ("past",) * 3 + ("past continuous", "present caption")
)
AUXILIARIES = {
    ("present", False): "is",
    ("present", True): "are",
    ("past", False): "was",
    ("past", True): "were",
}

PRONOUN_PROBABILITY = 0.08  # "she" or "they" for the only person or group
NOUN_PROBABILITY = 0.05  # "the old man" in place of a name
BESIDE_PROBABILITY = 0.15  # "Mara reads beside Tom, who sleeps"
GLANCE_PROBABILITY = 0.25
OPENER_PROBABILITY = 0.15
CLOSER_PROBABILITY = 0.12
ASIDE_PROBABILITY = 0.05

NOBODY_AT = phrases("nobody {is} {where}", "there {is} no one {where}", "the {noun} {is} (empty|deserted)",
                    "not a soul {is} {where}",
                    "there {is} nobody {where}", "no people {are} {where}", "the {noun} lies empty",
                    "all {is} quiet {where}")  # fmt: skip
NOBODY = phrases(
    "nobody {is} (there|here)",
    "no one {is} in sight",
    "there {is} nobody (there|around)",
    "everything {is} quiet",
    "everyone has gone",
)
LOOK, SEEM = verbs("look", "seem"), verbs("feel", "look", "seem")
BEING_THERE = phrases("(here|there)", "still (here|there)", "back again")
BESIDES = phrases("beside", "next to", "near", "not far from", "together with")
JOINS_OF_TWO = phrases("and", "while", ", while", ", and", "as", ", but")
JOINS_OF_THREE = phrases(
    "{0}, {1}, and {2}", "{0}, {1} and {2}", "{0} while {1} and {2}", "{0} and {1}, while {2}"
)
GROUPS = {
    2: phrases("they", "both (of them|friends|)", "the two (friends|of them|)"),
    3: phrases("they", "all (of them|three|)", "the three (friends|of them|)"),
}
# What the code below joins phrases with, written out here for the vocabulary.
PLOT_WORDS = phrases("from the", "looking", "and", "to", "the")


def say_plot(
    rng: np.random.Generator,
    names: Sequence[str],
    figures: Sequence[Figure],
    scene: Scene,
    include: Sequence[str],
) -> Said:
    """One story sentence about everybody in the frame that says what `include` (out of INCLUDABLE) lists.

    `names[i]` belongs to `figures[i]`; people are named in that order. "action" and "expression" are said of
    everybody. "She" or "the old man" in place of a name also says gender, or gender and age, and the facts
    hold that. Far-away things and other distractors say nothing. Raises ValueError for unknown words in
    `include` or names that do not match the figures.
    """
    unknown = sorted(set(include) - set(INCLUDABLE))
    if unknown:
        raise ValueError(f"include must list some of {', '.join(INCLUDABLE)}, got {', '.join(unknown)}")
    if len(names) != len(figures):
        raise ValueError(f"every figure needs a name: got {len(names)} names for {len(figures)} figures")
    facts = tuple((fact, getattr(scene, fact)) for fact in ("place", "time", "weather") if fact in include)
    if not figures:
        return Said(_nobody(rng, scene, include), facts)
    telling = _Telling(rng, scene, include, choose(rng, TENSES))
    front, end = telling.adjuncts()
    if telling.is_one_group(figures) and (len(figures) == 1 or rng.random() < 0.7):
        body = telling.group(telling.subject(names, figures), figures)
    else:
        body = telling.apart(telling.callings(names, figures), figures)
    people = tuple(
        (f"{number}.{fact}", getattr(figure, fact))
        for number, figure in enumerate(figures, start=1)
        for fact in ("action", "expression")
        if fact in include
    )
    aside = pick(rng, ASIDES) if rng.random() < ASIDE_PROBABILITY else ""
    return Said(finished(f"{front}{body}{end}{aside}"), facts + telling.callings_say + people)


class _Telling:
    """One plot sentence in the making: the tense, and where the place goes."""

    def __init__(self, rng: np.random.Generator, scene: Scene, include: Sequence[str], tense: str) -> None:
        self.rng, self.scene, self.include = rng, scene, include
        self.time_frame, self.aspect = tense.split()[0], tense.partition(" ")[2]
        self.place_open = "place" in include  # the place is still to be said
        self.callings_say: Facts = ()  # what words in place of names say

    def adjuncts(self) -> tuple[str, str]:
        """What stands before the people ("At night, ") and after them (" in the rain")."""
        rng, front, end = self.rng, [], ""
        if "time" in self.include:
            when = pick(rng, TIMES[self.scene.time].when)
            if rng.random() < 0.5:
                front.append(when)
            else:
                end += f" {when}"
        if self.place_open and rng.random() < 0.25:
            front.append(self._place())
        if "weather" in self.include:
            weather = WEATHERS[self.scene.weather]
            if self.scene.place in INDOOR_PLACES:
                end += f", while {pick(rng, weather.indoors)}"
            elif front or rng.random() < 0.7:
                end += f" {pick(rng, weather.under)}"
            else:
                front.append(pick(rng, weather.under))
        if not front and rng.random() < OPENER_PROBABILITY:
            front.append(pick(rng, OPENERS))
        return f"{' '.join(front)}, " if front else "", end

    def is_one_group(self, figures: Sequence[Figure]) -> bool:
        told = [
            tuple(getattr(figure, fact) for fact in ("action", "expression") if fact in self.include)
            for figure in figures
        ]
        return len(set(told)) == 1

    def subject(self, names: Sequence[str], figures: Sequence[Figure]) -> str:
        """Who does it, where everybody does the same: names, or "she", or "the two friends"."""
        if self.rng.random() >= PRONOUN_PROBABILITY or len(names) > 3:
            return listed(self.callings(names, figures))
        if len(names) > 1:
            return pick(self.rng, GROUPS[len(names)])
        gender = figures[0].appearance.gender
        self.callings_say = (("1.gender", gender),)
        return PRONOUNS[gender][0]

    def callings(self, names: Sequence[str], figures: Sequence[Figure]) -> list[str]:
        """The names, now and then replaced by a noun: "Mara", "the old man"."""
        callings = list(names)
        for index, figure in enumerate(figures):
            if self.rng.random() < NOUN_PROBABILITY:
                person = figure.appearance
                callings[index] = f"the {pick(self.rng, PERSONS[person.gender, person.age])}"
                self.callings_say += (
                    (f"{index + 1}.gender", person.gender),
                    (f"{index + 1}.age", person.age),
                )
        return callings

    def group(self, subject: str, figures: Sequence[Figure]) -> str:
        """Everybody does the same: "Mara and Tom walk along the beach together"."""
        rng, plural = self.rng, len(figures) > 1
        text = self.clause(subject, figures[0], plural=plural)
        if plural and rng.random() < 0.3:
            text += f" {pick(rng, TOGETHER)}"
        if rng.random() < GLANCE_PROBABILITY:
            text += f" and {self._glance(plural)}"
        elif rng.random() < CLOSER_PROBABILITY:
            text += f" {pick(rng, CLOSERS)}"
        return text

    def apart(self, names: Sequence[str], figures: Sequence[Figure]) -> str:
        """Everybody does something else: "Mara waves while Tom eats"."""
        rng = self.rng
        self.aspect = "" if self.aspect == "caption" else self.aspect
        beside = len(names) == 2 and rng.random() < BESIDE_PROBABILITY
        subjects = [names[0], "who"] if beside else names
        place_at = int(rng.random() * 2) if len(names) == 2 and not beside else 0
        clauses = []
        for index, (subject, figure) in enumerate(zip(subjects, figures, strict=True)):
            is_place_due, self.place_open = self.place_open, self.place_open and index >= place_at
            clauses.append(self.clause(subject, figure, plural=False))
            self.place_open = is_place_due and index < place_at
        if beside:
            return f"{clauses[0]} {pick(rng, BESIDES)} {names[1]}, {clauses[1]}"
        if len(clauses) == 2:
            joins = JOINS_OF_TWO[1:] if " and " in clauses[0] else JOINS_OF_TWO
            return f"{clauses[0]} {pick(rng, joins)} {clauses[1]}"
        if len(clauses) == 3:
            return pick(rng, JOINS_OF_THREE).format(*clauses)
        return listed(clauses)

    def clause(self, subject: str, figure: Figure, *, plural: bool) -> str:
        """What one person (or one group) does and feels, with the place if it is still to be said."""
        rng = self.rng
        if "action" not in self.include:
            return (
                self._feeling_clause(subject, figure, plural)
                if "expression" in self.include
                else self._being_clause(subject, plural)
            )
        doing = self._finite(pick(rng, ACTIONS[figure.action]), plural)
        place = f" {self._place(figure.action)}" if self.place_open else ""
        if "expression" not in self.include:
            return f"{subject} {doing}{place}"
        mood = EXPRESSIONS[figure.expression]
        style = int(rng.random() * 7)
        if style == 0:
            return f"{subject} {doing}{place}, {pick(rng, mood.verbs).ing},"
        if style == 1:
            return f"{subject} {doing}{place} {pick(rng, mood.manners)}"
        if style == 2:
            return f"{subject} {doing} {pick(rng, mood.adverbs)}{place}"
        if style == 3:
            feeling: Verb = pick(rng, mood.verbs)
            feels = feeling.ing if self.aspect else self._finite(feeling, plural)
            return f"{subject} {doing}{place} and {feels}"
        if style == 4:
            return f"{subject} {doing}{place}, looking {pick(rng, mood.adjectives)},"
        if style == 5:
            return f"{subject}, looking {pick(rng, mood.adjectives)}, {doing}{place}"
        looks = self._finite(pick(rng, SEEM), plural, simple=True)
        return f"{subject} {doing}{place} and {looks} {pick(rng, mood.adjectives)}"

    def _feeling_clause(self, subject: str, figure: Figure, plural: bool) -> str:
        mood = EXPRESSIONS[figure.expression]
        place = f" {self._place()}" if self.place_open else ""
        style = int(self.rng.random() * 3)
        if style == 0:
            return f"{subject} {self._be(plural)} {pick(self.rng, mood.adjectives)}{place}"
        if style == 1:
            seems = self._finite(pick(self.rng, SEEM), plural, simple=True)
            return f"{subject} {seems} {pick(self.rng, mood.adjectives)}{place}"
        return f"{subject} {self._finite(pick(self.rng, mood.verbs), plural)}{place}"

    def _being_clause(self, subject: str, plural: bool) -> str:
        rng, auxiliary = self.rng, self._be(plural)
        if not self.place_open:
            return (
                f"{subject} {self._glance(plural)}"
                if rng.random() < 0.5
                else f"{subject} {auxiliary} {pick(rng, BEING_THERE)}"
            )
        if rng.random() < 0.3:
            self.place_open = False
            return f"{subject} {self._glance(plural)} from the {pick(rng, PLACES[self.scene.place].nouns)}"
        return f"{subject} {auxiliary} {self._place()}"

    def _be(self, plural: bool) -> str:
        return "" if self.aspect == "caption" else AUXILIARIES[self.time_frame, plural]

    def _glance(self, plural: bool) -> str:
        """Looking at something, often at another place; says nothing about the frame."""
        rng = self.rng
        far = choose(rng, tuple(FAR_PLACES))
        if far != self.scene.place and rng.random() < 0.4:
            glance, thing = pick(rng, FAR_GLANCES), pick(rng, FAR_PLACES[far])
        else:
            glance, thing = pick(rng, GLANCES), pick(rng, THINGS)
        return self._finite(glance, plural, simple=True).format(thing=thing)

    def _place(self, action: str | None = None) -> str:
        self.place_open = False
        place = PLACES[self.scene.place]
        return pick(
            self.rng, place.along if action in MOVING_ACTIONS and self.rng.random() < 0.5 else place.where
        )

    def _finite(self, verb: Verb, plural: bool, *, simple: bool = False) -> str:
        if self.aspect == "caption":
            return verb.ing
        if self.aspect and not simple:
            return f"{AUXILIARIES[self.time_frame, plural]} {verb.ing}"
        if self.time_frame == "past":
            return verb.past
        return verb.base if plural else verb.third


def _nobody(rng: np.random.Generator, scene: Scene, include: Sequence[str]) -> str:
    is_past = rng.random() < 0.2
    words = {"is": "was" if is_past else "is", "are": "were" if is_past else "are"}
    if "place" in include:
        place = PLACES[scene.place]
        text = pick(rng, NOBODY_AT).format(
            where=pick(rng, place.where), noun=pick(rng, place.nouns[:1]), **words
        )
    else:
        text = pick(rng, NOBODY).format(**words)
    if "time" in include:
        when = pick(rng, TIMES[scene.time].when)
        text = f"{when}, {text}" if rng.random() < 0.5 else f"{text} {when}"
    if "weather" in include:
        indoor = scene.place in INDOOR_PLACES
        weather = WEATHERS[scene.weather]
        text += f", and {pick(rng, weather.indoors)}" if indoor else f" {pick(rng, weather.under)}"
    return finished(text)
