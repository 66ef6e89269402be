"""Saves of a script that refuse to overwrite what the one who saves has not seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from moviedreamer_core.errors import StoryError
from moviedreamer_core.workspace import Draft, Revision, StaleSaveError, StoryFolder

MAX_ATTEMPTS = 20  # of a save that another one overtakes each time

Fields = Mapping[str, Any]  # of a row, a character or the story, as JSON has them
Edit = Callable[[Draft], Draft]
InDraft = Callable[[Fields, Draft], Fields]


def save_fields(
    story: StoryFolder,
    edit: Edit,
    now: Callable[[Draft], Fields],
    fields: Fields,
    *,
    seen: Fields | None,
    seen_in: InDraft = lambda seen, _: seen,
    base: int | None = None,
    label: str,
    step: str = "",
) -> Revision:
    """Save what `edit` makes of the newest script; `now` are the fields as they are in a script.

    `seen_in` says what was `seen` as a newer script says it, where that calls the same otherwise.

    Raises StaleSaveError if one of `fields` is no longer as in `seen` (and not as it is to be), or the script no
    longer at the revision `base`; whatever `edit` raises.
    """
    script = story.script
    for _ in range(MAX_ATTEMPTS):
        head = script.head()
        mine = edit(head.draft)
        is_outdated = seen is not None and _is_outdated(
            fields, seen=seen_in(seen, head.draft), now=now(head.draft), wanted=now(mine)
        )
        if is_outdated or (base is not None and base != head.number):
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


def _is_outdated(names: Iterable[str], *, seen: Fields, now: Fields, wanted: Fields) -> bool:
    """Whether somebody else changed a field that is to be changed, to something else than what is wanted."""
    return any(now[name] != seen.get(name) and now[name] != wanted[name] for name in names)
