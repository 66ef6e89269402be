"""Reference pictures: up to ten frames that show the models a cast and places they do not know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from moviedreamer_core.errors import StoryError
from moviedreamer_core.script import MAX_REFERENCES
from moviedreamer_core.workspace import Draft

if TYPE_CHECKING:
    from app.desk.desk import Desk


@dataclass(frozen=True, kw_only=True)
class ReferencesView:
    """`pictures` in their order, by their paths in the story; `folder` is the story's."""

    pictures: tuple[str, ...]
    folder: Path
    in_use: bool
    revision: int


class References:
    """Every method raises StoryGoneError for a story that is not there."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def view(self, story_id: str) -> ReferencesView:
        story = self._desk.story(story_id)
        head = story.script.head()
        return ReferencesView(
            pictures=head.draft.references,
            folder=story.path,
            in_use=head.draft.use_references,
            revision=head.number,
        )

    def add(self, story_id: str, source: Path) -> str:
        """Keep an uploaded picture as a reference; its path. Raises ImageError, StoryError for the eleventh."""
        story = self._desk.story(story_id)
        if len(story.script.head().draft.references) >= MAX_REFERENCES:
            raise StoryError(f"a story has at most {MAX_REFERENCES} references; remove one first")
        picture = story.pictures.add(source, "references")

        def edit(draft: Draft) -> Draft:
            return draft.with_changes(references=tuple(dict.fromkeys([*draft.references, picture])))

        self._change(story_id, edit, "Add a reference")
        return picture

    def remove(self, story_id: str, picture: str) -> None:
        def edit(draft: Draft) -> Draft:
            return draft.with_changes(references=tuple(one for one in draft.references if one != picture))

        self._change(story_id, edit, "Remove a reference")

    def move(self, story_id: str, picture: str, position: int) -> None:
        """To the 0-based `position` among the others. Raises StoryError if the picture is gone."""

        def edit(draft: Draft) -> Draft:
            if picture not in draft.references:
                raise StoryError("this reference is no longer there; reload the page")
            others = [one for one in draft.references if one != picture]
            others.insert(max(0, min(position, len(others))), picture)
            return draft.with_changes(references=tuple(others))

        self._change(story_id, edit, "Reorder references")

    def use(self, story_id: str, in_use: bool) -> None:
        """Switched off, the references are kept but not drawn with."""
        self._change(
            story_id,
            lambda draft: draft.with_changes(use_references=in_use),
            "Use references" if in_use else "Draw without references",
        )

    def _change(self, story_id: str, edit: Callable[[Draft], Draft], label: str) -> None:
        self._desk.story(story_id).script.change(edit, label=label)
