"""Saves of a script that refuse to overwrite what the one who saves has not seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from moviedreamer_core.errors import StoryError
from moviedreamer_core.workspace import Draft, Revision, StaleSaveError, StoryFolder

MAX_ATTEMPTS = 20  # of a save that another one overtakes each time

Fields = Mapping[str, Any]  # of a row, a character or the story, as JSON has them
Edit = Callable[[Draft], Draft]


def save_fields(
    story: StoryFolder,
    edit: Edit,
    now: Callable[[Draft], Fields],
    fields: Fields,
    *,
    seen: Fields | None,
    base: int | None = None,
    label: str,
    step: str = "",
) -> Revision:
    """Save what `edit` makes of the newest script; `now` are the fields as they are in a script.

    Raises StaleSaveError if one of `fields` is no longer as in `seen` (and not as it is to be), or the script no
    longer at the revision `base`; whatever `edit` raises.
    """
    script = story.script
    for _ in range(MAX_ATTEMPTS):
        head = script.head()
        mine = edit(head.draft)
        if _is_outdated(now(head.draft), fields, seen) or (base is not None and base != head.number):
            raise StaleSaveError(mine, head, base=head.number if base is None else base)
        try:
            return script.save(mine, base=head.number, label=label, step=step)
        except StaleSaveError:
            continue
    raise StoryError("the script changes too fast to be saved; close other tabs of this story")


def change(story: StoryFolder, edit: Edit, *, label: str, base: int | None = None) -> Revision:
    """Save what `edit` makes of the newest script, which has to be the revision `base` if that is said.

    Raises StaleSaveError, whatever `edit` raises.
    """
    if base is None:
        return story.script.change(edit, label=label)
    head = story.script.head()
    if head.number != base:
        raise StaleSaveError(None, head, base=base)
    return story.script.save(edit(head.draft), base=base, label=label)


def _is_outdated(now: Fields, fields: Fields, seen: Fields | None) -> bool:
    """Whether somebody else changed a field that is to be changed, to something else than this."""
    return seen is not None and any(
        now[name] != seen.get(name) and now[name] != fields[name] for name in fields
    )
