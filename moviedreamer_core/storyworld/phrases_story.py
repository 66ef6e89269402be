"""Harmless words of storytelling: they belong to ordinary English, and say no fact of the frame."""

from __future__ import annotations

from moviedreamer_core.storyworld.grammar import phrases, verbs

OPENERS = phrases(
    "then", "suddenly", "now", "soon", "once more", "after a while", "a little later", "meanwhile", "at last",
    "once upon a time", "later",
    "again", "next", "finally", "one day", "for a moment", "this time", "sometimes", "often", "at first",
    "before long", "just then", "once again", "as if nothing had happened", "when all is done", "only then",
)  # fmt: skip
CLOSERS = phrases(
    "again", "for a while", "for a moment", "once more", "as usual", "this time", "as always", "too",
    "at last", "quietly", "softly", "as before",
    "with a dog nearby", "near a friendly cat", "next to an old lamp",
    "by the (old|wooden|open|closed) (door|gate)", "behind the table",
    "not far from (a|the) wall", "in front of (everybody|the others|another friend)",
    "under a (big|tall) roof", "like never before", "beside a lantern",
    "between two flower pots", "all alone", "with (a brother|a sister|the family|the children)", "outside",
    "inside", "right away", "twice", "somewhere", "arm in arm with a friend",
    "against a wall", "for the time being",
)  # fmt: skip
ASIDES = phrases(
    ", because (all|everything) is (well|good)", ", but nobody knows (why|how|when|what will come)",
    ", until the (door|gate) opens", ", or so they (say|said)",
    ", just like (you|me|us|many others)", ", as you can see", ", as (I|we|they) (told|tell) you",
    ", and it would not be the last time",
    ", which is (quite|really|very) (lovely|beautiful|strange|nice|new|bad)", ", if they may",
    ", as (every|any) child could tell", ", and that is that",
    ", and I am there to tell", ", because my friends asked", ", since their (mother|father|teacher) came",
    ", where (your|our) story (starts|began|begins)",
    ", as the others (arrive|arrived|enter|leave|left|play|swim|hide|help|climb up)",
    ", when someone (arrives|enters|leaves|helps|swims|hides|works)",
    ", as (two|four) children (climbed|played|are playing) behind (it|them)",
    ", as (they do|they did|one does)", ", without an answer",
    ", while someone (gives|gave|has given) (a kiss|a hug|an answer)", ", before all (starts|started|closes)",
    ", though (it|this) should be done by now", ", yet (more|most) of (it|these things|those days) must come",
    ", for it has been so long",
)  # fmt: skip
TOGETHER = phrases("together", "side by side", "with each other")
GLANCES = verbs(  # {thing} is one of THINGS
    "look (carefully|gently|) at {thing}", "look (back|up|over) at {thing}", "think (of|about) {thing}",
    "see {thing}", "notice {thing}", "watch {thing}", "find {thing}",
    "hear {thing}", "gaze at {thing}", "turn (to|towards|toward) {thing}", "search for {thing}",
    "listen to {thing}", "love {thing}", "like {thing}",
    "want {thing}", "know {thing}", "ask about {thing}", "talk about {thing}", "tell of {thing}",
    "try to find {thing}",
    "return to {thing}", "discover {thing}", "need {thing}", "come closer to {thing}",
    "follow {thing}", "meet {thing}", "help {thing}", "leave {thing}",
    "play with {thing}",
)  # fmt: skip
THINGS = phrases(
    "a (little|big|large|friendly|hungry|tired|kind|brave) (dog|cat|horse|cow)", "a letter", "an old lamp",
    "a (golden|lost) key", "an old map",
    "a (small|) boat", "a (white|) gull", "a (red|) kite", "a (blue|little|) bird", "the clock", "a bell",
    "a butterfly", "a lantern", "a treasure",
    "a (strange|loud) noise", "a song", "a bicycle", "a ball", "the clouds", "a secret door", "the others",
    "an owl", "a fox", "the wind", "the (door|table|window)",
    "the (water|river|lake)", "a (candle|fire|shadow|star)",
    "the (captain|sailor|farmer|fisherman|teacher|doctor|stranger)", "the (king|queen)",
    "a (bus|car|train)", "a tree", "some flowers", "the (grass|bench|bridge|roof|wall|path)", "the fish",
    "some food", "new shoes", "a (work|piece) of art",
    "the music", "something (new|beautiful|strange)", "someone", "his or her hands", "the houses",
)  # fmt: skip
FAR_GLANCES = verbs(  # at another place
    "look (at|over at|back at|up at) {thing}", "gaze at {thing}", "see {thing}", "notice {thing}",
    "think (of|about) {thing}",
    "turn (to|towards) {thing}", "talk about {thing}", "watch {thing}", "sing of {thing}",
)  # fmt: skip
