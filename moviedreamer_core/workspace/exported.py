"""What each exported file was made from: told from what is shown now, whichever is newer.

exports/made-from.json holds a digest per file. It says nothing that is needed: a damaged or missing one counts as none.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from moviedreamer_core.atomic import write_text
from moviedreamer_core.errors import OutputError

if TYPE_CHECKING:
    from moviedreamer_core.workspace.story import StoryView

MADE_FROM_FILE = "made-from.json"
MAX_BYTES = 2**20
SCRIPTS = frozenset({"script.csv", "story.yaml"})
STILLS = frozenset({"animatic.mp4", "board.pdf", "contact-sheet.png", "keyframes.zip"})
TIMED = frozenset({"subtitles.srt", "timeline.otio"})  # they follow the movie's lengths, not its look


def made_from(view: StoryView, name: str) -> str:
    """A digest of all that the export `name` of this story shows: equal where it would be made the same."""
    shown: list[object] = [view.revision.draft.model_dump(mode="json")]
    if name not in SCRIPTS:
        shown.append([shot.take.id if shot.take else None for shot in view.shots])
    if name not in SCRIPTS | STILLS:
        movie = view.decisions.movie
        shown.append([shot.clip.id if shot.clip else None for shot in view.shots])
        shown.append(movie.transition if name in TIMED else movie.model_dump(mode="json"))
    return hashlib.sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()


def read_made_from(exports: Path) -> dict[str, str]:
    """The digests in a story's exports folder, by file."""
    path = exports / MADE_FROM_FILE
    try:
        if path.stat().st_size > MAX_BYTES:
            return {}
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(name): str(digest) for name, digest in found.items()} if isinstance(found, dict) else {}


def note_made_from(exports: Path, name: str, digest: str) -> None:
    """Keep the digest of a file that has just been exported; the story's lock must be held.

    A disk that refuses is forgiven, for the export is there: then nothing is known of any.
    """
    digests = {**read_made_from(exports), name: digest}
    present = {one: found for one, found in digests.items() if (exports / one).is_file()}
    try:
        write_text(exports / MADE_FROM_FILE, json.dumps(present, sort_keys=True) + "\n")
    except OutputError:
        (exports / MADE_FROM_FILE).unlink(missing_ok=True)
