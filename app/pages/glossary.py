"""What the words of the studio mean, and how to begin: said once, for hover texts, the keyboard and the help."""

from __future__ import annotations

from typing import Any

STATES = {
    "missing": "No picture yet. “Preview the arc” sketches it, “Draw in full” draws it.",
    "preview": "A sketch of few steps, to see the arc of the story. “Draw in full” draws the full picture, which takes "
    "its place.",
    "stale": "The script, a character or an earlier shot changed after this was made. It stays usable: "
    "redraw it, or keep it as it is.",
    "fresh": "Drawn in full from what the script says now.",
    "locked": "Nothing changes its picture until you unlock it. Its row of the script stays editable.",
    "running": "Being made just now; the bar below shows how far it is.",
    "waiting": "In the queue; things are made one after another.",
    "failed": "The last try went wrong; the shot says why. Put that right and ask again.",
}
CLIP_STATES = {
    "none": "The movie shows the still picture. Tick the shot and animate it for a clip.",
    "stale": "The picture, the length or the motion changed after this clip was made. Animate it again.",
    "fresh": "The clip is of the picture that is shown, as long and as lively as it is set.",
    "running": STATES["running"],
    "waiting": STATES["waiting"],
    "failed": STATES["failed"],
}
SETTINGS = {
    "take": "One drawn version of a shot. A new one is shown at once, beside all earlier ones; if you chose the one "
    "that is shown, uploaded it or locked the shot, the new one waits until you choose it.",
    "seed": "The number that chance follows from: the same script, seed and weights give the same picture.",
    "variation": "A new variation draws another picture of the same words; the same seed changes only what the words "
    "or the earlier shots change.",
    "surprise": "How closely the planner keeps to the picture it finds likeliest: faithful stays with it, "
    "surprising leaves more to chance.",
    "later": "Later shots follow earlier ones. Keep them byte for byte, or draw them again after the new take, which "
    "is then shown at once even in place of one that you chose.",
    "preview_arc": "Every shot that is not drawn, or stale, in few steps: several times as quick and rougher, to "
    "see how the story runs.",
    "draw_missing": "Full pictures of all shots that are not drawn or only previewed, in the order of the script.",
    "redraw_stale": "A new take of every stale shot with its own seed, in place of the stale one; locked and fresh "
    "shots stay.",
    "replace": "Use a picture of yours for this shot. It is read by the models, so that later shots follow it.",
    "origin": "Every PNG and MP4 made here carries its recipe: choose a file to read script and seed back. The recipe "
    "of the take that is shown is below its picture.",
    "animatic": "The keyframes for their seconds, one by one: how the movie will run, without waiting for clips.",
    "motion": "How much moves in the clip. Another choice makes the clip stale.",
    "transition": "How one shot follows the other: at once, or over half a second.",
    "subtitles": "The plots as subtitles: as a file beside the movie, or in its pictures.",
}
STEPS = (
    (
        "stories",
        "Stories",
        "Open a story or begin one. The Lighthouse is finished, to look at and to play with.",
    ),
    ("cast", "Cast", "Name who plays, and give each a description and pictures of the face."),
    ("script", "Script", "One row is one shot: what happens, where and when, and who does what."),
    ("references", "References", "If you like, up to ten pictures that the story is to look like."),
    (
        "storyboard",
        "Storyboard",
        "Draw in full. Then take one shot after another: new takes, choose, lock.",
    ),
    ("movie", "Movie", "Tick the shots that are to move, animate them, and make the movie."),
    ("drift", "Continuity", "See where a face or a place drifts, and redraw the worst."),
)
_IN_THE_HELP = ("take", "seed", "surprise", "preview_arc", "animatic")
_NAMES = {"missing": "Not drawn", "surprise": "Faithful to surprising", "preview_arc": "Preview, few steps"}


def help_of_the_page() -> dict[str, Any]:
    """The steps from a story to a movie and the words that need one, for the dialog behind the question mark."""
    states = ("missing", "preview", "fresh", "stale", "locked", "failed")
    words = [(_NAMES.get(name, name.capitalize()), STATES[name]) for name in states]
    words += [(_NAMES.get(name, name.capitalize()), SETTINGS[name]) for name in _IN_THE_HELP]
    return {
        "steps": [{"tab": tab, "title": title, "text": text} for tab, title, text in STEPS],
        "words": [{"word": word, "text": text} for word, text in words],
    }
