"""Sentences about one person: what they look like, and what they do and feel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from moviedreamer_core.storyworld.facts import Appearance
from moviedreamer_core.storyworld.grammar import Phrases, Verb, listed, phrases, pick
from moviedreamer_core.storyworld.phrases_doing import ACTIONS, EXPRESSIONS
from moviedreamer_core.storyworld.phrases_people import (
    AGES,
    BEARDS,
    COLOURS,
    GENDERS,
    GLASSES,
    HAIR_COLOURS,
    HAIR_STYLES,
    HATS,
    LOOSE_HAIR,
    NAMINGS,
    OUTFITS,
    PERSONS,
    PREFIXES,
    PRONOUNS,
    SKIN_NOUNS,
    SKINS,
)  # fmt: skip
from moviedreamer_core.storyworld.phrases_story import CLOSERS, OPENERS
from moviedreamer_core.storyworld.said import Facts, Said, Slots, sentence

TRAITS = ("gender", "age", "skin", "hair", "hat", "glasses", "beard", "outfit")
PREFIX_PROBABILITY = 0.35  # "a bearded old man" instead of "an old man with a beard"

NOUN_ALONE = phrases(
    "{name} is a {noun}",
    "{name}, a {noun}",
    "a {noun} (called|named) {name}",
    "a {noun}",
    "this is {name}, a {noun}",
)
NOUN_FRAMES = phrases(
    "{name} is a {noun} {attire}", "{name} is a {noun} {attire}", "a {noun} {attire}",
    "this is {name}, a {noun} {attire}",
    "{name} is a {noun} who {doings}", "{name}, a {noun}, {doings}", "a {noun} called {name} {attire}",
)  # fmt: skip
PLAIN_FRAMES = phrases(
    "{name} {doings}",
    "{name} {doings}",
    "{name} is (a person|someone) who {doings}",
    "this is {name}, {attire}",
    "{name}, {attire}",
)
PRONOUN_FRAMES = phrases(
    "{she} {doings}",
    "{she} {doings}",
    "{she} {doings}",
    "{she} also {doings}",
    "{name} is {female} and {doings}",
)
HAIR_FRAMES = phrases("{name}'s hair is {loose}", "the hair of {name} is {loose}")
# What the code below joins phrases with, written out here for the vocabulary.
APPEARANCE_WORDS = phrases(
    "with", "wearing", "in", "and", "has", "wears", "{skin}-skinned", "has on", "dressed in", "is dressed in"
)

DOING_AND_FEELING = phrases(
    "{name} is {doing} and {feeling}", "{name} is {doing} and {feeling}", "{name} {does} and {feels}",
    "{name} {does}, {feeling}",
    "{name} is {doing}, looking {mood}", "{name} looks {mood} while {doing}",
    "{name} looks {mood} and is {doing}",
    "{name} is {mood} and {does}", "{name} {does} {manner}", "{name} is {doing} {manner}",
    "{name} {does} {adverb}", "{name} {did} {adverb}",
    "{name} {did} and {felt}", "{name} was {doing} and {feeling}", "{mood}, {name} {does}",
    "a {mood} {name} is {doing}", "{name}, {doing} and {feeling}", "{name} {doing} {manner}",
    "{name} (seems|feels) {mood} while {doing}", "{name} is {feeling} while {doing}",
    "{opener}, {name} {does} {adverb}",
)  # fmt: skip
DOING = phrases(
    "{name} is {doing}", "{name} is {doing}", "{name} {does}", "{name} {does}", "{name} {did}",
    "{name} was {doing}", "{opener}, {name} {does}",
    "{name} {does} {closer}", "{name} is {doing} {closer}", "{name}, {doing}", "{name} {doing}",
    "{name} keeps {doing}", "we see {name} {doing}",
    "{name} begins to {do}", "{name} starts to {do}", "here {name} is {doing}",
)  # fmt: skip


def say_appearance(
    rng: np.random.Generator, name: str, appearance: Appearance, traits: Sequence[str]
) -> Said:
    """One sentence that says the listed traits, out of TRAITS, and no other: "Mara is a young woman with red
    hair."

    "hair" is colour and style, "hat" and "outfit" are kind and colour. The sentence names the person or says
    "she" or "he"; with both gender and age it may be a bare noun phrase. Raises ValueError for no or an
    unknown trait.
    """
    unknown = sorted(set(traits) - set(TRAITS))
    if unknown or not traits:
        raise ValueError(f"traits must be some of {', '.join(TRAITS)}, got {', '.join(unknown) or 'none'}")
    facts = tuple(
        (f"1.{fact}", value)
        for trait in TRAITS
        if trait in traits
        for fact, value in trait_facts(appearance, trait)
    )
    she, him, her = PRONOUNS[appearance.gender]
    slots = Slots(rng, {"female": GENDERS[appearance.gender]}, name=name, she=she, object=him, her=her)
    return Said(sentence(_appearance_template(rng, slots, appearance, set(traits)), slots), facts)


def trait_facts(appearance: Appearance, trait: str) -> Facts:
    """The (fact, value) pairs that saying `trait` says; a bald head has no hair colour, a bare one no hat
    colour."""
    if trait == "hair":
        bald = appearance.hair_style == "bald"
        return (
            (("hair_style", "bald"),)
            if bald
            else (("hair_style", appearance.hair_style), ("hair_colour", appearance.hair_colour))
        )
    if trait == "hat":
        return (
            (("hat", "none"),)
            if appearance.hat == "none"
            else (("hat", appearance.hat), ("hat_colour", appearance.hat_colour))
        )
    if trait == "outfit":
        return (("outfit", appearance.outfit), ("outfit_colour", appearance.outfit_colour))
    if trait == "glasses":
        return (("glasses", "yes" if appearance.glasses else "no"),)
    return ((trait, getattr(appearance, trait)),)


def say_doing(rng: np.random.Generator, name: str, action: str, expression: str | None) -> Said:
    """One sentence about what a person does and, unless None, feels: "Mara is walking and smiling." """
    verb = pick(rng, ACTIONS[action])
    slots = Slots(
        rng,
        {"opener": OPENERS, "closer": CLOSERS},
        name=name,
        do=verb.base,
        does=verb.third,
        doing=verb.ing,
        did=verb.past,
    )
    if expression is None:
        return Said(sentence(pick(rng, DOING), slots), (("1.action", action),))
    mood = EXPRESSIONS[expression]
    feeling: Verb = pick(rng, mood.verbs)
    slots |= {
        "feels": feeling.third,
        "feeling": feeling.ing,
        "felt": feeling.past,
        "mood": pick(rng, mood.adjectives),
    }
    slots |= {"adverb": pick(rng, mood.adverbs), "manner": pick(rng, mood.manners)}
    return Said(
        sentence(pick(rng, DOING_AND_FEELING), slots), (("1.action", action), ("1.expression", expression))
    )


def _appearance_template(
    rng: np.random.Generator, slots: Slots, appearance: Appearance, traits: set[str]
) -> str:
    traits = set(traits)
    has_noun = "age" in traits
    if has_noun:
        slots["noun"] = _noun(rng, appearance, traits)  # may use up some traits
    features, clothes = _features(rng, appearance, traits), _clothes(rng, appearance, traits)
    if not features and not clothes:
        return pick(rng, NOUN_ALONE if has_noun else NAMINGS)
    if traits == {"hair"} and appearance.hair_style != "bald" and rng.random() < 0.3:
        slots["loose"] = _filled(rng, LOOSE_HAIR[appearance.hair_style], HAIR_COLOURS[appearance.hair_colour])
        return pick(rng, HAIR_FRAMES)
    slots |= {
        "attire": _attire(rng, features, clothes, "outfit" in traits),
        "doings": _doings(features, clothes),
    }
    return pick(rng, NOUN_FRAMES if has_noun else PRONOUN_FRAMES if "gender" in traits else PLAIN_FRAMES)


def _noun(rng: np.random.Generator, appearance: Appearance, traits: set[str]) -> str:
    """The noun for gender and age, sometimes with adjectives; takes what the adjectives say out of
    `traits`."""
    noun = pick(
        rng, PERSONS[appearance.gender, appearance.age] if "gender" in traits else AGES[appearance.age]
    )
    values: dict[str, str | bool] = {
        "hair": appearance.hair_style,
        "beard": appearance.beard,
        "glasses": appearance.glasses,
        "hat": appearance.hat,
    }
    adjectives: list[str] = []
    for trait, value in values.items():
        if (
            trait in traits
            and (trait, value) in PREFIXES
            and len(adjectives) < 2
            and rng.random() < PREFIX_PROBABILITY
        ):
            adjectives.append(pick(rng, PREFIXES[trait, value]))
            traits.discard(trait)
    if "skin" in traits and rng.random() < PREFIX_PROBABILITY:
        adjectives.append(pick(rng, SKINS[appearance.skin]) + "-skinned")
        traits.discard("skin")
    return " ".join([*adjectives, noun])


def _features(rng: np.random.Generator, appearance: Appearance, traits: set[str]) -> list[str]:
    features = []
    if "hair" in traits:
        features.append(
            _filled(rng, HAIR_STYLES[appearance.hair_style], HAIR_COLOURS[appearance.hair_colour])
        )
    if "skin" in traits:
        features.append(pick(rng, SKIN_NOUNS).format(skin=pick(rng, SKINS[appearance.skin])))
    if "beard" in traits:
        features.append(pick(rng, BEARDS[appearance.beard]))
    rng.shuffle(features)
    return features


def _clothes(rng: np.random.Generator, appearance: Appearance, traits: set[str]) -> list[str]:
    clothes = []
    if "glasses" in traits:
        clothes.append(pick(rng, GLASSES[appearance.glasses]))
    if "hat" in traits:
        clothes.append(_filled(rng, HATS[appearance.hat], COLOURS[appearance.hat_colour]))
    if "outfit" in traits:
        clothes.append(_filled(rng, OUTFITS[appearance.outfit], COLOURS[appearance.outfit_colour]))
    rng.shuffle(clothes)
    return clothes


def _filled(rng: np.random.Generator, patterns: Phrases, colours: Phrases) -> str:
    return pick(rng, patterns).format(colour=pick(rng, colours))


def _attire(rng: np.random.Generator, features: list[str], clothes: list[str], has_outfit: bool) -> str:
    """ "with red hair and a beard, wearing a blue coat"."""
    if features and clothes and rng.random() < 0.3:
        return f"with {listed([*features, *clothes])}"
    wearing = "in" if has_outfit and len(clothes) == 1 and rng.random() < 0.5 else "wearing"
    dressed = [f"{wearing} {listed(clothes)}"] if clothes else []
    return ", ".join([f"with {listed(features)}", *dressed]) if features else dressed[0]


def _doings(features: list[str], clothes: list[str]) -> str:
    """ "has red hair and wears a blue coat"."""
    return " and ".join(
        f"{verb} {listed(items)}" for verb, items in (("has", features), ("wears", clothes)) if items
    )
