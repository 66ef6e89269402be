"""How English says what a person does and feels: verbs in all their forms, adjectives, adverbs, gestures.

No word that tells two values apart stands under both.
"""

from __future__ import annotations

from typing import NamedTuple

from moviedreamer_core.storyworld.grammar import Phrases, Verb, phrases, verbs

Verbs = tuple[tuple[Verb, ...], ...]


class Mood(NamedTuple):
    adjectives: Phrases
    verbs: Verbs
    adverbs: Phrases
    manners: Phrases  # "... with a smile"


ACTIONS: dict[str, Verbs] = {
    "standing": verbs("stand", "stand still", "stand (there|upright)", "wait", "stay (still|)", "pause",
                      "remain standing", "stop"),
    "walking": verbs("walk", "walk (slowly|on)", "stroll", "wander", "hike", "march", "go for a walk",
                     "take a walk", "stride", "trudge", "amble"),
    "running": verbs("run", "run (fast|quickly)", "sprint", "dash", "hurry", "race", "rush", "jog",
                     "go for a run"),
    "waving": verbs("wave", "wave (hello|goodbye)", "wave a hand", "greet everyone", "say hello",
                    "wave to a friend", "wave both hands"),
    "sitting": verbs("sit", "sit down", "sit on a (chair|stool|stone)", "take a seat", "perch on a stool",
                     "crouch", "squat", "kneel"),
    "jumping": verbs("jump", "jump (up|high)", "leap", "leap into the air", "hop", "bounce", "spring up",
                     "skip", "jump over a puddle"),
    "dancing": verbs("dance", "dance (a waltz|to the music)", "twirl", "spin around", "waltz",
                     "sway to the music", "pirouette"),
    "reading": verbs("read", "read a (book|letter|newspaper|story|map)", "leaf through a book",
                     "study a (book|page)", "browse a magazine",
                     "turn the pages of a book"),
    "eating": verbs("eat", "eat (an apple|a sandwich|some cake|some bread|soup)",
                    "munch (an apple|a biscuit)", "bite into (an apple|a pie)",
                    "nibble a biscuit", "chew", "have (lunch|dinner|breakfast)", "have a meal",
                    "taste the soup"),
    "sleeping": verbs("sleep", "sleep soundly", "nap", "take a nap", "doze", "snooze", "slumber",
                      "lie asleep", "snore", "doze off"),
    "pointing": verbs("point", "point (ahead|at something|into the distance)", "point a finger",
                      "gesture at something", "show the way",
                      "indicate the direction", "point out a (bird|path)"),
    "cheering": verbs("cheer", "cheer loudly", "celebrate", "shout hooray", "throw both arms up", "rejoice",
                      "whoop", "applaud",
                      "celebrate the victory"),
    "carrying": verbs("carry a (box|basket|bag|suitcase|parcel)", "haul a (box|sack|crate)", "lug a suitcase",
                      "hold a (basket|box)",
                      "bring a (basket|parcel)", "drag a (sack|crate)", "bear a heavy load"),
    "phoning": verbs("phone", "phone (someone|home)", "telephone", "call a friend",
                     "talk on the (phone|telephone)", "make a phone call",
                     "chat on the phone", "ring a friend", "speak into the phone"),
}  # fmt: skip
MOVING_ACTIONS = frozenset(
    {"walking", "running", "carrying", "dancing", "jumping"}
)  # these go along a place too

EXPRESSIONS: dict[str, Mood] = {
    "calm": Mood(
        phrases("calm", "relaxed", "peaceful", "thoughtful", "serene", "untroubled"),
        verbs("relax", "keep calm", "ponder", "breathe calmly"),
        phrases("calmly", "peacefully", "serenely", "thoughtfully"),
        phrases(
            "with a (calm|peaceful|relaxed|serene) face",
            "in a calm mood",
            "with a thoughtful look",
            "in peace",
        ),
    ),
    "happy": Mood(
        phrases(
            "happy",
            "(very|so|) glad",
            "cheerful",
            "joyful",
            "delighted",
            "merry",
            "pleased",
            "(very|) excited",
        ),
        verbs("smile", "grin", "laugh", "beam", "giggle", "chuckle", "smile happily"),
        phrases("happily", "cheerfully", "joyfully", "merrily", "gladly"),
        phrases(
            "with a (big|broad|warm|) smile",
            "with a (big|broad|cheeky|) grin",
            "with a laugh",
            ", full of joy,",
            "with a happy face",
        ),
    ),
    "sad": Mood(
        phrases("sad", "unhappy", "gloomy", "tearful", "miserable", "heartbroken", "sorrowful", "lonely"),
        verbs("cry", "weep", "sob", "sigh sadly", "mope"),
        phrases("sadly", "gloomily", "tearfully", "miserably", "unhappily"),
        phrases(
            "in tears",
            "with a sad face",
            "with tears in both eyes",
            ", full of sorrow,",
            "with a gloomy look",
        ),
    ),
    "angry": Mood(
        phrases("angry", "furious", "annoyed", "cross", "mad", "grumpy", "(very|) irritated"),
        verbs("scowl", "frown", "glare", "fume", "grumble"),
        phrases("angrily", "furiously", "crossly", "grumpily"),
        phrases(
            "with an angry face",
            "with a scowl",
            "with a frown",
            ", full of anger,",
            "in a rage",
            "with a furious look",
        ),
    ),
    "surprised": Mood(
        phrases("surprised", "astonished", "amazed", "shocked", "startled", "stunned", "(very|) puzzled"),
        verbs("gasp", "gape", "gasp in surprise", "stare open-mouthed"),
        phrases("in surprise", "in amazement", "in astonishment", "open-mouthed"),
        phrases(
            "with a surprised face",
            "with wide open eyes",
            "with an astonished look",
            "with a gasp",
            "in (great|) surprise",
        ),
    ),
    "afraid": Mood(
        phrases(
            "afraid", "scared", "terrified", "frightened", "nervous", "fearful", "(very|) worried", "anxious"
        ),
        verbs("tremble", "shiver with fear", "shake with fear", "shudder", "panic"),
        phrases("nervously", "fearfully", "anxiously", "in fear", "in terror"),
        phrases(
            "with a frightened face",
            ", full of fear,",
            ", trembling with fear,",
            "with a scared look",
            "in terror",
        ),
    ),
}
