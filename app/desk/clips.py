"""Clips and exported files as the movie tab shows them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from app.desk.shot_cards import RowWork
from app.queue.settings import EXPORT_FILES
from moviedreamer_core.errors import InputError
from moviedreamer_core.workspace import Clip, Shot, StoryFolder, StoryView, clip_path, image_path

ClipState = Literal["running", "waiting", "failed", "none", "stale", "fresh"]

NATURAL = 127  # the motion bucket that SVD has by default, which is 1 of ClipOrder.motion
MOTIONS = {"calm": 32, "gentle": 80, "natural": NATURAL, "lively": 200}  # those of video.anchored_svd
STALE_CLIP_WORDS = {
    "keyframe": "the picture is another one now",
    "seconds": "the length changed",
    "motion": "the motion changed",
    "weights": "other weights made it",
}
_LABELS = {
    "mp4": "Movie (MP4)",
    "animatic": "Animatic (MP4)",
    "srt": "Subtitles (SRT)",
    "otio": "Timeline (OpenTimelineIO)",
    "contact-sheet": "Contact sheet (PNG)",
    "pdf": "Board (PDF)",
    "keyframes": "Keyframes (zip)",
    "story": "Whole story (zip)",
    "yaml": "Script (YAML)",
    "csv": "Script (CSV)",
}
EXPORT_LABELS = {EXPORT_FILES[format]: label for format, label in _LABELS.items()}  # by file


@dataclass(frozen=True, kw_only=True)
class ClipCard:
    """One clip of a shot. `facts` say in pairs of words what it was made from; `is_new`: it waits for a decision."""

    id: str
    number: int
    path: Path
    is_shown: bool
    is_new: bool
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class ClipRow:
    """One line of the movie tab. `reason` is a sentence's end for "stale", a sentence for "failed".

    `failure`: why the last try went wrong, whatever the line shows; `num_waiting`: clips made beside the accepted one.
    `picture_note`: "preview" or "stale" where the picture that moves is one, else empty.
    """

    row_id: str
    number: int
    plot: str
    image: Path | None
    is_ticked: bool
    seconds: float
    motion: str
    state: ClipState
    reason: str
    clip: ClipCard | None
    clips: tuple[ClipCard, ...]
    num_waiting: int = 0
    failure: str = ""
    picture_note: str = ""
    share: float = 0.0


@dataclass(frozen=True, kw_only=True)
class ExportFile:
    """`version` changes when the file does; `is_outdated`: it shows another script, picture or clip."""

    name: str
    label: str
    path: Path
    num_bytes: int
    made_at: float  # seconds since 1970
    version: int
    is_outdated: bool = False


def clip_row(shot: Shot, work: RowWork | None) -> ClipRow:
    """The line of `shot`, to which the queue does `work`."""
    state: ClipState = "none" if shot.clip is None else "stale" if shot.clip_stale_for else "fresh"
    reason = "; ".join(STALE_CLIP_WORDS.get(one, one) for one in shot.clip_stale_for)
    if work is not None and (work.state != "failed" or shot.clip is None):
        state, reason = work.state, work.message
    cards = tuple(_card(clip, shot) for clip in reversed(shot.clips))
    return ClipRow(
        row_id=shot.row.id,
        number=shot.number,
        plot=shot.row.plot.strip(),
        image=None if shot.take is None else image_path(shot.take),
        is_ticked=shot.decisions.animate,
        seconds=float(shot.row.seconds),
        motion=motion_word(shot.decisions.motion),
        state=state,
        reason=reason,
        clip=next((card for card in cards if card.is_shown), None),
        clips=cards,
        num_waiting=len(shot.waiting_clips),
        failure=work.message if work is not None and work.state == "failed" else "",
        picture_note=_picture_note(shot),
        share=0.0 if work is None else work.share,
    )


def _picture_note(shot: Shot) -> str:
    if shot.take is None:
        return ""
    return "preview" if shot.take.recipe.is_preview else "stale" if shot.stale_for else ""


def export_files(story: StoryFolder, view: StoryView) -> tuple[ExportFile, ...]:
    """What was exported, the newest first."""
    found, changed_at = [], _changed_at(view)
    for path in story.exports():
        try:
            facts = path.stat()
        except OSError:  # it is being replaced
            continue
        outdated = story.is_export_outdated(path.name, view)
        found.append(
            ExportFile(
                name=path.name,
                label=EXPORT_LABELS.get(path.name, path.name),
                path=path,
                num_bytes=facts.st_size,
                made_at=facts.st_mtime,
                version=facts.st_mtime_ns,
                is_outdated=facts.st_mtime < changed_at if outdated is None else outdated,
            )
        )
    return tuple(sorted(found, key=lambda one: one.made_at, reverse=True))


def _changed_at(view: StoryView) -> float:
    """When the script, or a picture or clip that is shown, came to be, the last of them; seconds since 1970."""
    times = [view.revision.made_at]
    times += [shot.take.recipe.made_at for shot in view.shots if shot.take is not None]
    times += [shot.clip.recipe.made_at for shot in view.shots if shot.clip is not None]
    return max(times).timestamp()


def motion_value(word: str) -> str | None:
    """What is decided for a word; None for the usual. Raises InputError."""
    if word not in MOTIONS:
        raise InputError(f"motion is one of {', '.join(MOTIONS)}, got {word[:20]!a}")
    return word


def motion_word(decided: str | int | None) -> str:
    """The word that is nearest to what was decided."""
    if decided is None:
        return "natural"
    if isinstance(decided, str):
        return decided if decided in MOTIONS else "natural"
    return min(MOTIONS, key=lambda word: abs(MOTIONS[word] - decided))


def motion_scale(decided: str | int | None) -> float:
    """How much moves, 1 as usual: what a ClipOrder says."""
    bucket = MOTIONS[motion_word(decided)] if not isinstance(decided, int) else decided
    return bucket / NATURAL


def _card(clip: Clip, shot: Shot) -> ClipCard:
    recipe = clip.recipe
    take = next((one for one in shot.takes if one.id == recipe.take_id), None)
    facts = [
        ("Length", f"{recipe.seconds:g} s"),
        ("Motion", "natural" if recipe.motion is None else motion_word(recipe.motion)),
        ("Seed", str(recipe.seed)),
        ("From", "a take that is gone" if take is None else f"take {take.number}"),
        ("Made", recipe.made_at.astimezone().strftime("%d %b %Y, %H:%M")),
    ]
    return ClipCard(
        id=clip.id,
        number=clip.number,
        path=clip_path(clip),
        is_shown=shot.clip is not None and shot.clip.id == clip.id,
        is_new=clip in shot.waiting_clips,
        facts=tuple(facts),
    )
