"""Sentences about where and when: place, time of day, weather, shot size, and any combination of them."""

from __future__ import annotations

import numpy as np

from moviedreamer_core.storyworld.facts import INDOOR_PLACES
from moviedreamer_core.storyworld.grammar import Phrases, phrases, pick
from moviedreamer_core.storyworld.phrases_setting import (
    PLACES,
    SHOTS,
    SUNNY_CLAUSES,
    SUNNY_DAY,
    TIMES,
    WEATHERS,
)
from moviedreamer_core.storyworld.said import Facts, Said, Slots, sentence

NO_STOP_PROBABILITY = 0.4  # "Sandy beach" beside "Sandy beach."
LIST_PROBABILITY = 0.15  # "Harbour, night, rain, wide shot"

PLACE_FRAMES = phrases(
    "{place_view}", "{place_view}", "{where}", "they are {where}", "(here|now) we see the {place_noun}",
    "the scene is {where}",
    "we are {where}", "it happens {where}", "the {place_noun}", "the story (goes on|continues) {where}",
    "everyone is {where}",
)  # fmt: skip
TIME_FRAMES = phrases(
    "{time_view}",
    "{time_view}",
    "{time_clause}",
    "{time_clause}",
    "{when}",
    "the time is {time_noun}",
    "it happens {when}",
)
WEATHER_FRAMES = phrases(
    "{weather_view}",
    "{weather_view}",
    "{weather_clause}",
    "{weather_clause}",
    "{under}",
    "they are out {under}",
)
SHOT_FRAMES = phrases("{shot_view}", "{shot_view}", "{seen}", "{shot_noun}", "this is a {shot_noun}",
                      "the picture is a {shot_noun}",
                      "the camera shows a {shot_noun}",
                      "we see (it|everything) as a {shot_noun}")  # fmt: skip

# By what they say: p place, t time, w weather. A frame with {under} is for outdoor places only.
FRAMES: dict[str, Phrases] = {
    "p": phrases("{place_view}", "{where}", "the {place_noun}"),
    "t": phrases("{time_view}", "{when}", "{time_clause}"),
    "w": phrases("{weather_view}", "{weather_clause}"),
    "pt": phrases("the {place_noun} {when}", "{place_view} {when}", "{time_clause} {where}",
                  "a {time_noun} {where}", "{when} {where}",
                  "they are {where} {when}", "it is {time_noun} {where}", "{place_view}, {time_view}"),
    "pw": phrases("the {place_noun}, and {weather_clause}", "{weather_clause} {where}",
                  "{where}, while {weather_clause}",
                  "{place_view} {under}", "the {place_noun} {under}", "they are {where} {under}"),
    "tw": phrases("a {weather_adjective} {time_noun}", "it is a {weather_adjective} {time_noun}",
                  "{time_clause}, and {weather_clause}",
                  "{weather_clause} {when}", "{when}, {weather_clause}", "{weather_view} {when}",
                  "{when} {under}"),
    "ptw": phrases("a {weather_adjective} {time_noun} {where}",
                   "it is a {weather_adjective} {time_noun} {where}",
                   "{time_clause} {where}, and {weather_clause}", "{when} {where}, {weather_clause}",
                   "{where}, {weather_clause} {when}",
                   "the {place_noun} {when}, {under}", "{place_view} {when}, {under}",
                   "{when}, they are {where} {under}",
                   "the {place_noun} on a {weather_adjective} {time_noun}"),
}  # fmt: skip
SHOT_AND_BODY = phrases("{body}, {seen}", "{shot_noun}: {body}", "{body}, {shot_noun}", "{seen}: {body}")
SHOT_OF_PLACE = phrases("(a|) {shot_noun} of the {place_noun} {adjuncts}")
SUNNY_FRAMES = {
    "tw": phrases("a {sunny_day}", "it is a {sunny_day}", "{sunny_clause}"),
    "ptw": phrases(
        "a {sunny_day} {where}",
        "it is a {sunny_day} {where}",
        "{where}, {sunny_clause}",
        "the {place_noun} on a {sunny_day}",
    ),
}


def say_place(rng: np.random.Generator, place: str) -> Said:
    """A noun phrase or sentence that says the place and nothing else."""
    return _alone(rng, PLACE_FRAMES, _slots(rng, place=place), (("place", place),))


def say_time(rng: np.random.Generator, time: str) -> Said:
    """A noun phrase or sentence that says the time of day and nothing else."""
    said = _alone(rng, TIME_FRAMES, _slots(rng, time=time), (("time", time),))
    if rng.random() < 0.15:  # storytelling is often in the past
        return Said(said.text.replace(" is ", " was ").replace(" are ", " were "), said.facts)
    return said


def say_weather(rng: np.random.Generator, weather: str, indoor: bool) -> Said:
    """A noun phrase or sentence that says the weather; `indoor`: as it is seen through a window."""
    frames = (("{weather_clause}",),) if indoor else WEATHER_FRAMES
    return _alone(rng, frames, _slots(rng, weather=weather, indoor=indoor), (("weather", weather),))


def say_shot(rng: np.random.Generator, shot: str) -> Said:
    """A noun phrase or sentence that says how near the camera is."""
    return _alone(rng, SHOT_FRAMES, _slots(rng, shot=shot), (("shot", shot),))


def say_setting(
    rng: np.random.Generator,
    *,
    place: str | None = None,
    time: str | None = None,
    weather: str | None = None,
    shot: str | None = None,
    indoor: bool | None = None,
) -> Said:
    """One sentence that says every given fact: "A rainy night at the harbour."

    `indoor`: the weather is seen through a window; None: as the place has it, and outdoors without one.
    Raises ValueError if nothing is given.
    """
    given = {"place": place, "time": time, "weather": weather, "shot": shot}
    facts = tuple((fact, value) for fact, value in given.items() if value is not None)
    if not facts:
        raise ValueError("say_setting was given no fact; give at least one of place, time, weather, shot")
    indoor = place in INDOOR_PLACES if indoor is None else indoor
    if len(facts) == 1:
        return _say_one(rng, *facts[0], indoor=indoor)
    slots = _slots(rng, place=place, time=time, weather=weather, shot=shot, indoor=indoor)
    if rng.random() < LIST_PROBABILITY:
        views = [slots[f"{fact}_view"] for fact, _ in facts]
        rng.shuffle(views)
        return Said(sentence(", ".join(views), slots, _stop(rng)), facts)
    return Said(sentence(_setting_template(rng, slots, given, indoor), slots, _stop(rng)), facts)


def _say_one(rng: np.random.Generator, fact: str, value: str, *, indoor: bool) -> Said:
    if fact == "weather":
        return say_weather(rng, value, indoor)
    return {"place": say_place, "time": say_time, "shot": say_shot}[fact](rng, value)


def _setting_template(
    rng: np.random.Generator, slots: Slots, given: dict[str, str | None], indoor: bool
) -> str:
    kinds = "".join(fact[0] for fact in ("place", "time", "weather") if given[fact] is not None)
    body = _body(rng, kinds, sunny=given["time"] == "day" and given["weather"] == "clear", indoor=indoor)
    if given["shot"] is None:
        return body
    if given["place"] is not None and rng.random() < 0.4:
        adjuncts = ("{when} " if "t" in kinds else "") + (
            "" if "w" not in kinds else ", while {weather_clause}"
        )
        slots["adjuncts"] = adjuncts.format_map(slots)
        return pick(rng, SHOT_OF_PLACE)
    slots["body"] = body.format_map(slots)
    return pick(rng, SHOT_AND_BODY)


def _body(rng: np.random.Generator, kinds: str, *, sunny: bool, indoor: bool) -> str:
    if sunny and not indoor and rng.random() < 0.4:
        return pick(rng, SUNNY_FRAMES[kinds])
    while True:
        frame = pick(rng, FRAMES[kinds])
        if not (indoor and "{under}" in frame):
            return frame


def _alone(rng: np.random.Generator, frames: Phrases, slots: Slots, facts: Facts) -> Said:
    return Said(sentence(pick(rng, frames), slots, _stop(rng)), facts)


def _stop(rng: np.random.Generator) -> str:
    return "" if rng.random() < NO_STOP_PROBABILITY else "."


def _slots(
    rng: np.random.Generator,
    *,
    place: str | None = None,
    time: str | None = None,
    weather: str | None = None,
    shot: str | None = None,
    indoor: bool = False,
) -> Slots:
    phrasings: dict[str, Phrases] = {"sunny_day": SUNNY_DAY, "sunny_clause": SUNNY_CLAUSES}
    if place is not None:
        p = PLACES[place]
        phrasings |= {"place_noun": p.nouns, "where": p.where, "place_view": p.views}
    if time is not None:
        t = TIMES[time]
        phrasings |= {"time_noun": t.nouns, "when": t.when, "time_view": t.views, "time_clause": t.clauses}
    if weather is not None:
        w = WEATHERS[weather]
        phrasings |= {"weather_adjective": w.adjectives, "under": w.under}
        phrasings |= {
            "weather_view": w.indoors if indoor else w.views,
            "weather_clause": w.indoors if indoor else w.clauses,
        }
    if shot is not None:
        s = SHOTS[shot]
        phrasings |= {"shot_noun": s.nouns, "seen": s.seen, "shot_view": s.views}
    return Slots(rng, phrasings)
