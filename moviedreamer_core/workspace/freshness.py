"""Whether a shot's take and clip still fit the script: computed from what they were made from, never stored.

A keyframe follows from its row, the style, the cast in it, the references, and the visual tokens of the keyframes
before it. Each has a fingerprint; a take is stale where that of today is neither the one it was made for nor the
one a person accepted it for.
Source: MovieDreamer, section 3.3 (the planner reads the script and the visual tokens of all earlier keyframes).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from moviedreamer_core.names import name_key
from moviedreamer_core.workspace.decisions import Decisions, ShotDecisions
from moviedreamer_core.workspace.draft import CastMember, Draft, Row
from moviedreamer_core.workspace.readings import Box
from moviedreamer_core.workspace.recipes import (
    Fingerprint,
    Settings,
    StaleClipReason,
    StaleReason,
    TakeRecipe,
)
from moviedreamer_core.workspace.takes import Clip, Take, content_sha256, image_sha256

Condition = Literal["missing", "fresh", "stale", "locked"]
NO_BOXES: Mapping[str, Box] = {}
_PARTS: tuple[StaleReason, ...] = ("script", "style", "cast", "references", "predecessors")


@dataclass(frozen=True, kw_only=True)
class Shot:
    """Everything that the table and the gallery show of one row.

    `condition` is "missing" without a take, "locked" for one that is locked, whatever changed since; `stale_for`
    says what changed in any case. `take` and `clip` are those that are shown and used for the movie.
    """

    number: int  # 1-based, of the row as it stands
    row: Row
    condition: Condition
    stale_for: tuple[StaleReason, ...]
    fingerprint: Fingerprint  # of a take that would be made now
    take: Take | None
    takes: tuple[Take, ...]
    clip: Clip | None
    clips: tuple[Clip, ...]
    clip_stale_for: tuple[StaleClipReason, ...]
    decisions: ShotDecisions

    @property
    def locked(self) -> bool:
        return self.decisions.locked

    @property
    def is_accepted(self) -> bool:
        """Whether a person decided that the take that is shown stays: see `is_accepted_take`."""
        return is_accepted_take(self.take, self.takes, self.decisions)

    @property
    def is_clip_accepted(self) -> bool:
        return is_accepted_clip(self.clip, self.clips, self.decisions)

    @property
    def waiting(self) -> tuple[Take, ...]:
        """Takes that were made beside an accepted one, and that nobody has decided about yet."""
        passed_over = {*self.decisions.rejected, self.take.id if self.take else ""}
        return tuple(
            one for one in self.takes if one.id in self.decisions.waiting and one.id not in passed_over
        )

    @property
    def waiting_clips(self) -> tuple[Clip, ...]:
        return tuple(one for one in self.clips if one.id in self.decisions.waiting_clips and one != self.clip)


def fingerprint(
    draft: Draft, row_id: str, shown: Mapping[str, Take], boxes: Mapping[str, Box] = NO_BOXES
) -> Fingerprint:
    """What a take of this row would follow from, if `shown` are the takes of the rows before it, by row id.

    Rows before it that `shown` lacks count as not drawn; `boxes` are the face boxes set by hand, by picture.
    Raises StoryError if the row is gone.
    """
    return fingerprints(draft, shown, boxes)[draft.position(row_id)]


def fingerprints(
    draft: Draft, shown: Mapping[str, Take], boxes: Mapping[str, Box] = NO_BOXES
) -> list[Fingerprint]:
    """Of each row in order; see `fingerprint`."""
    style, references = _digest(draft.style.strip()), _digest(references_of(draft))
    predecessors, found = _digest("no keyframe"), []
    for row in draft.rows:
        found.append(
            Fingerprint(
                script=_digest(_script(row)),
                style=style,
                cast=_digest([_looks(member, boxes) for member in cast_of(draft, row)]),
                references=references,
                predecessors=predecessors,
            )
        )
        if (take := shown.get(row.id)) is not None:
            predecessors = _digest([predecessors, content_sha256(take)])
    return found


def take_recipe(
    draft: Draft,
    row_id: str,
    shown: Mapping[str, Take],
    *,
    boxes: Mapping[str, Box] = NO_BOXES,
    revision: int,
    seed: int | None = None,
    weights_hash: str | None = None,
    settings: Settings | None = None,
    warnings: tuple[str, ...] = (),
    seconds_taken: float | None = None,
) -> TakeRecipe:
    """The recipe of a take drawn from this very draft, after the takes `shown`. Raises StoryError without the row.

    Take the draft when drawing begins: a row that is edited meanwhile then makes the take stale, as it should.
    """
    row = draft.row(row_id)
    return TakeRecipe(
        seed=seed,
        weights_hash=weights_hash,
        settings=settings or {},
        row=row,
        style=draft.style,
        cast=cast_of(draft, row),
        references=references_of(draft),
        fingerprint=fingerprint(draft, row_id, shown, boxes),
        revision=revision,
        warnings=warnings,
        seconds_taken=seconds_taken,
    )


def cast_of(draft: Draft, row: Row) -> tuple[CastMember, ...]:
    """The cards of those in the frame, in the frame's order; without those who are not in the cast."""
    cast = {name_key(member.name): member for member in reversed(draft.cast)}
    people = [person for person in row.characters if person.name.strip()]
    return tuple(cast[name_key(person.name)] for person in people if name_key(person.name) in cast)


def references_of(draft: Draft) -> tuple[str, ...]:
    """The references that are drawn with."""
    return draft.references if draft.use_references else ()


def shown_take(takes: tuple[Take, ...], decisions: ShotDecisions) -> Take | None:
    """The chosen take. By default the first in full quality, for a new one never takes an accepted one's place;
    until there is one, the latest preview."""
    usable = [take for take in takes if take.id not in decisions.rejected]
    chosen = [take for take in usable if take.id == decisions.take]
    finished = [take for take in usable if not take.recipe.is_preview]
    previews = [take for take in usable if take.recipe.is_preview]
    return next(iter([*chosen, *finished, *reversed(previews)]), None)


def is_accepted_take(shown: Take | None, takes: tuple[Take, ...], decisions: ShotDecisions) -> bool:
    """Whether a person decided that `shown`, one of `takes`, stays: they locked the shot, uploaded the picture, or
    chose it by hand. A preview is never meant to stay."""
    if shown is None or shown.recipe.is_preview:
        return False
    is_own = decisions.locked or shown.recipe.origin == "uploaded"
    full = sum(not take.recipe.is_preview for take in takes)
    return is_own or _was_chosen(shown.id, decisions.take, decisions.take_by_hand, full)


def is_accepted_clip(shown: Clip | None, clips: tuple[Clip, ...], decisions: ShotDecisions) -> bool:
    """As `is_accepted_take`, of clips."""
    if shown is None:
        return False
    return decisions.locked or _was_chosen(shown.id, decisions.clip, decisions.clip_by_hand, len(clips))


def _was_chosen(shown_id: str, chosen_id: str | None, by_hand: bool | None, num_choices: int) -> bool:
    if shown_id != chosen_id:
        return False
    return num_choices > 1 if by_hand is None else by_hand


def shown_clip(clips: tuple[Clip, ...], take: Take | None, decisions: ShotDecisions) -> Clip | None:
    """The chosen clip; by default the latest of the take that is shown, else the latest."""
    chosen = [clip for clip in clips if clip.id == decisions.clip]
    fitting = [clip for clip in clips if take is not None and clip.recipe.image_sha256 == image_sha256(take)]
    return next(iter([*chosen, *reversed(fitting), *reversed(clips)]), None)


def shots(
    draft: Draft,
    decisions: Decisions,
    takes: Mapping[str, tuple[Take, ...]],
    clips: Mapping[str, tuple[Clip, ...]],
    *,
    boxes: Mapping[str, Box] = NO_BOXES,
    weights_hash: str | None = None,
) -> tuple[Shot, ...]:
    """Every row with what there is of it. With `weights_hash`, what other weights made counts as stale."""
    shown = {
        row.id: take
        for row in draft.rows
        if (take := shown_take(takes.get(row.id, ()), decisions.of(row.id))) is not None
    }
    found = []
    for number, (row, now) in enumerate(zip(draft.rows, fingerprints(draft, shown, boxes)), start=1):
        decided, take = decisions.of(row.id), shown.get(row.id)
        stale_for = () if take is None else stale_reasons(take, row, now, decided, weights_hash=weights_hash)
        clip = shown_clip(clips.get(row.id, ()), take, decided)
        found.append(
            Shot(
                number=number,
                row=row,
                condition=_condition(take, stale_for, decided),
                stale_for=stale_for,
                fingerprint=now,
                take=take,
                takes=takes.get(row.id, ()),
                clip=clip,
                clips=clips.get(row.id, ()),
                clip_stale_for=_clip_stale_reasons(clip, take, row, decided, weights_hash),
                decisions=decided,
            )
        )
    return tuple(found)


def stale_reasons(
    take: Take, row: Row, now: Fingerprint, decided: ShotDecisions, *, weights_hash: str | None = None
) -> tuple[StaleReason, ...]:
    """What changed since `take` was made or accepted; nothing for a picture that a person put there."""
    if take.recipe.origin == "uploaded":
        return ()
    made_for = [take.recipe.fingerprint]
    if decided.accepted is not None and decided.accepted.take == take.id:
        made_for.append(decided.accepted.fingerprint)
    reasons = [part for part in _PARTS if getattr(now, part) not in {getattr(one, part) for one in made_for}]
    if row.seed is not None and row.seed not in (take.recipe.seed, take.recipe.row.seed):
        reasons.append("seed")
    if weights_hash is not None and take.recipe.weights_hash != weights_hash:
        reasons.append("weights")
    return tuple(reasons)


def _clip_stale_reasons(
    clip: Clip | None, take: Take | None, row: Row, decided: ShotDecisions, weights_hash: str | None
) -> tuple[StaleClipReason, ...]:
    if clip is None:
        return ()
    reasons: list[StaleClipReason] = []
    if take is None or clip.recipe.image_sha256 != image_sha256(take):
        reasons.append("keyframe")
    if clip.recipe.seconds != row.seconds:
        reasons.append("seconds")
    if decided.motion is not None and clip.recipe.motion != decided.motion:
        reasons.append("motion")
    if weights_hash is not None and clip.recipe.weights_hash != weights_hash:
        reasons.append("weights")
    return tuple(reasons)


def _condition(take: Take | None, stale_for: tuple[StaleReason, ...], decided: ShotDecisions) -> Condition:
    if take is None:
        return "missing"
    if decided.locked:
        return "locked"
    return "stale" if stale_for else "fresh"


def _script(row: Row) -> list[object]:
    """What the models read of the row, so that a space typed at an end changes nothing."""
    elements = [element.strip() for element in row.scene_elements if element.strip()]
    people = [
        [name_key(person.name), person.description.strip()]
        for person in row.characters
        if person.name.strip()
    ]
    return [row.plot.strip(), elements, people]


def _looks(member: CastMember, boxes: Mapping[str, Box]) -> list[object]:
    """A box that the detector found follows from the picture and the weights; one set by hand from nothing else."""
    by_hand = {face: boxes[face] for face in member.faces if face in boxes}
    looks: list[object] = [name_key(member.name), member.description.strip(), member.faces]
    return [*looks, by_hand] if by_hand else looks


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
