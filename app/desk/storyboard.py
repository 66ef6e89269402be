"""The storyboard tab's acts: draw in full, preview the arc, and what one shot can be asked for.

Every cost is known before the act. Locked shots refuse whatever would change them; a preview never takes the place of
a full picture (see `workspace.freshness.shown_take`).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from app.desk.jobs import Cost, about, counted, row_numbers
from app.desk.shot_cards import (
    DRAWING_KINDS,
    RowWork,
    ShotCard,
    TakeCard,
    card_of,
    changeable_after,
    is_asked_for,
    place_at,
    same_place_after,
    seed_now,
    takes_of,
    work_on_rows,
)
from app.queue.jobs import (
    MAX_SEED,
    Drawing,
    DrawMissing,
    EncodeReplacement,
    LaterShots,
    PreviewArc,
    RegenerateKeyframe,
)
from app.queue.settings import new_seed
from moviedreamer_core.errors import InputError, StoryError
from moviedreamer_core.workspace import Shot, StoryFolder, StoryView, story_of

if TYPE_CHECKING:
    from app.desk.desk import Desk

SeedChoice = Literal["random", "same", "number"]
MAX_TEMPERATURE = 2.0  # faithful is 0, the models' habit 1
LATER_LABELS: dict[LaterShots, str] = {
    "keep": "Keep the later shots",
    "repredict-place": "Redraw until the place changes",
    "repredict": "Redraw all later shots",
}


@dataclass(frozen=True, kw_only=True)
class StoryboardView:
    """The gallery at one moment. `missing`, `preview` and `stale` are what the buttons cost; None: nothing is left."""

    cards: tuple[ShotCard, ...]
    missing: Cost | None
    preview: Cost | None
    stale: Cost | None


@dataclass(frozen=True, kw_only=True)
class LaterChoice:
    """One way to treat the later shots: which of them change, and its cost as a sentence."""

    later: LaterShots
    label: str
    sentence: str
    rows: tuple[str, ...]
    cost: Cost


@dataclass(frozen=True, kw_only=True)
class ShotPanel:
    """One shot with everything that can be asked of it."""

    card: ShotCard
    takes: tuple[TakeCard, ...]
    choices: tuple[LaterChoice, ...]
    seed: int
    story_title: str


class Storyboard:
    """What the storyboard tab may ask."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    # --- looking -------------------------------------------------------------------------------------

    def view(self, story_id: str) -> StoryboardView:
        """The gallery. Raises StoryError, StoryGoneError, QueueError."""
        view, work = self._read(story_id)
        missing = self._missing_job(story_id, view, work)
        preview = self._preview_job(story_id, view, work)
        return StoryboardView(
            cards=tuple(card_of(shot, work.get(shot.row.id)) for shot in view.shots),
            missing=self._desk.jobs.cost(missing) if missing else None,
            preview=self._desk.jobs.cost(preview) if preview else None,
            stale=self._desk.redraws.cost_of_stale(story_id, view, work),
        )

    def shot(self, story_id: str, row_id: str) -> ShotPanel:
        """One shot. Raises StoryError if the row is gone."""
        view, work = self._read(story_id)
        shot = view.shot(row_id)
        return ShotPanel(
            card=card_of(shot, work.get(row_id)),
            takes=takes_of(shot),
            choices=tuple(self._choice(story_id, view, shot, later) for later in LATER_LABELS),
            seed=seed_now(shot, view),
            story_title=view.revision.draft.title,
        )

    def row_of(self, story_id: str, number: int) -> str:
        """The row of the shot with this number, from 1. Raises StoryError if there is none."""
        rows = self._folder(story_id).script.head().draft.rows
        if not 1 <= number <= len(rows):
            raise StoryError(f"there is no shot {number}; the story has {counted(len(rows), 'shot')}")
        return rows[number - 1].id

    # --- drawing -------------------------------------------------------------------------------------

    def draw_missing(self, story_id: str) -> int:
        """Queue the shots without a full picture; the job's id.

        Raises StoryError naming the keyframe that cannot be drawn yet, or if there is nothing to draw, QueueError.
        """
        view, work = self._read(story_id)
        job = self._missing_job(story_id, view, work)
        if job is None:
            raise StoryError(_nothing_to_draw(view, work))
        story_of(view.revision.draft)
        return self._desk.jobs.enqueue(job)

    def preview_arc(self, story_id: str) -> int:
        """Queue few-step pictures of the shots that have no full one; the job's id. Raises as `draw_missing`."""
        view, work = self._read(story_id)
        job = self._preview_job(story_id, view, work)
        if job is None:
            raise StoryError("every shot has a picture that is up to date; there is nothing to preview")
        story_of(view.revision.draft)
        return self._desk.jobs.enqueue(job)

    def new_take(
        self,
        story_id: str,
        row_id: str,
        *,
        seed: SeedChoice = "random",
        number: int | None = None,
        temperature: float = 1.0,
        later: LaterShots = "keep",
    ) -> int:
        """Queue another take of a shot; the job's id. `number` is the seed where that is what `seed` says.

        Raises StoryError for a locked shot, a row that is gone or a story that cannot be drawn; InputError for a
        seed or temperature out of range; QueueError.
        """
        if later not in LATER_LABELS or seed not in get_args(SeedChoice):
            raise InputError(f"{later!a}, {seed!a}: unknown; reload the page")
        if not 0 <= temperature <= MAX_TEMPERATURE:
            raise InputError(f"surprise goes from 0 (faithful) to {MAX_TEMPERATURE:g}, got {temperature:g}")
        view = self._folder(story_id).view(weights_hash=self._desk.weights_hash)
        shot = _unlocked(view, row_id)
        story_of(view.revision.draft)
        chosen = {"random": new_seed, "same": lambda: seed_now(shot, view), "number": lambda: _seed(number)}
        job = self._regenerate(story_id, view, shot, later, seed=chosen[seed](), temperature=temperature)
        return self._desk.jobs.enqueue(job)

    def replace(self, story_id: str, row_id: str, picture: Path) -> int:
        """Keep an uploaded picture and queue its encoding as a take of the shot; the job's id.

        Raises StoryError for a locked shot, ImageError naming the file, OutputError, QueueError.
        """
        folder = self._folder(story_id)
        _unlocked(folder.view(), row_id)
        kept = folder.pictures.add(picture, "references")
        job = EncodeReplacement(story_id=story_id, row=row_id, picture=kept, weights=self._desk.weights_hash)
        return self._desk.jobs.enqueue(job)

    # --- deciding ------------------------------------------------------------------------------------

    def choose_take(self, story_id: str, row_id: str, take_id: str, *, keep_later: bool = True) -> None:
        """Show this take. Raises StoryError for a locked shot or a take that is gone."""
        self._folder(story_id).choose(row_id, take_id, keep_later=keep_later)

    def choose_take_number(self, story_id: str, number: int, take_number: int) -> None:
        """Show the take with this number of a shot, both from 1, keeping the later shots. Raises StoryError."""
        row_id = self.row_of(story_id, number)
        takes = {take.number: take.id for take in self._folder(story_id).takes.of(row_id)}
        if take_number not in takes:
            raise StoryError(f"shot {number} has no take {take_number}; it has {sorted(takes) or 'none'}")
        self.choose_take(story_id, row_id, takes[take_number])

    def reject_take(self, story_id: str, row_id: str, take_id: str) -> None:
        """Keep a take, but show it no more. Raises StoryError for the take of a locked shot."""
        self._folder(story_id).reject(row_id, take_id)

    def accept_take_again(self, story_id: str, row_id: str, take_id: str) -> None:
        """Take a rejection back."""
        folder = self._folder(story_id)
        folder.takes.get(row_id, take_id)
        folder.accept_again(row_id, take_id)

    def set_locked(self, story_id: str, row_id: str, *, locked: bool) -> None:
        """Lock or unlock a shot. Raises StoryError if the row is gone."""
        folder = self._folder(story_id)
        folder.script.head().draft.position(row_id)
        (folder.decisions.lock if locked else folder.decisions.unlock)([row_id])

    def keep_as_is(self, story_id: str, row_ids: Collection[str]) -> None:
        """Accept the takes that are shown for what the script is now."""
        folder = self._folder(story_id)
        view = folder.view()
        for row_id in row_ids:
            _unlocked(view, row_id)
        folder.keep_as_is(row_ids)

    # --- inside --------------------------------------------------------------------------------------

    def _folder(self, story_id: str) -> StoryFolder:
        return self._desk.stories.get(story_id)

    def _read(self, story_id: str) -> tuple[StoryView, dict[str, RowWork]]:
        snapshot = (
            self._desk.queue.snapshot()
        )  # before the folder: what a job has finished is then seen there
        work = work_on_rows(snapshot.of_story(story_id), DRAWING_KINDS)
        return self._folder(story_id).view(weights_hash=self._desk.weights_hash), work

    def drawing(self, *, steps: int | None = None, temperature: float = 1.0) -> Drawing:
        """How keyframes are drawn here."""
        settings = self._desk.settings
        return Drawing(
            steps=steps or settings.steps,
            width=settings.width,
            height=settings.height,
            guidance_scale=settings.guidance_scale,
            temperature=float(temperature),
        )

    def _missing_job(self, story_id: str, view: StoryView, work: dict[str, RowWork]) -> DrawMissing | None:
        rows = tuple(row for row in view.to_draw if not is_asked_for(work.get(row)))
        if not rows:
            return None
        return DrawMissing(
            story_id=story_id, keyframes=rows, drawing=self.drawing(), weights=self._desk.weights_hash
        )

    def _preview_job(self, story_id: str, view: StoryView, work: dict[str, RowWork]) -> PreviewArc | None:
        to_draw = set(view.to_draw)
        rows = tuple(
            shot.row.id
            for shot in view.shots
            if shot.row.id in to_draw
            and (shot.take is None or shot.stale_for)
            and not is_asked_for(work.get(shot.row.id))
        )
        if not rows:
            return None
        drawing = self.drawing(steps=self._desk.settings.preview_steps)
        return PreviewArc(story_id=story_id, keyframes=rows, drawing=drawing, weights=self._desk.weights_hash)

    def _regenerate(
        self,
        story_id: str,
        view: StoryView,
        shot: Shot,
        later: LaterShots,
        *,
        seed: int,
        temperature: float = 1.0,
    ) -> RegenerateKeyframe:
        changed: tuple[Shot, ...] = ()
        if later != "keep":
            changed = changeable_after(view, shot.number - 1, within_place=later == "repredict-place")
        return RegenerateKeyframe(
            story_id=story_id,
            row=shot.row.id,
            drawing=self.drawing(temperature=temperature),
            seed=seed,
            later=later,
            later_rows=tuple(one.row.id for one in changed),
            weights=self._desk.weights_hash,
        )

    def _choice(self, story_id: str, view: StoryView, shot: Shot, later: LaterShots) -> LaterChoice:
        job = self._regenerate(story_id, view, shot, later, seed=0)  # costs what any seed costs
        cost = self._desk.jobs.cost(job)
        changed = [one for one in view.shots if one.row.id in job.rows]
        num_staying = sum(one.take is not None and one.row.id not in job.rows for one in view.shots)
        sentence = _change_sentence(changed, cost, num_staying)
        if later == "keep" and shot.is_accepted and not shot.stale_for:
            sentence = f"the new take waits beside the one you chose, {about(cost.seconds)}; every shot stays"
        if later == "repredict-place" and job.later_rows:
            sentence = _without_a_place(view, shot, len(job.later_rows)) + sentence
        return LaterChoice(
            later=later,
            label=LATER_LABELS[later],
            sentence=sentence,
            rows=job.rows,
            cost=cost,
        )


def _change_sentence(changed: list[Shot], cost: Cost, num_staying: int) -> str:
    what = f"shot{'' if len(changed) == 1 else 's'} {row_numbers([shot.number for shot in changed])}"
    only = "only " if len(changed) == 1 else ""
    chosen = " with the takes you chose" if any(shot.is_accepted for shot in changed) else ""
    stays = f"; {counted(num_staying, 'shot')} stay{'s' if num_staying == 1 else ''}" if num_staying else ""
    return f"changes {only}{what}{chosen}, {about(cost.seconds)}{stays}"


def _without_a_place(view: StoryView, shot: Shot, num_changed: int) -> str:
    """How far "until the place changes" goes where no place says it; "" where one does."""
    rows = tuple(one.row for one in view.shots)
    if place_at(rows, shot.number - 1):
        return ""
    same = same_place_after(rows, shot.number - 1)
    named = shot.number + len(same) + 1  # the first shot with a place
    if named <= len(rows):
        return f"No place is set before shot {named}, so that is up to shot {named - 1}: "
    kept = len(same) - num_changed
    that_can = f" that can change ({counted(kept, 'shot')} cannot)" if kept else ""
    every = "all " if num_changed > 1 else ""
    return f"No place is set, so that is {every}{counted(num_changed, 'later shot')}{that_can}: "


def _unlocked(view: StoryView, row_id: str) -> Shot:
    shot = view.shot(row_id)
    if shot.locked:
        raise StoryError(f"shot {shot.number} is locked; unlock it to change it")
    return shot


def _nothing_to_draw(view: StoryView, work: dict[str, RowWork]) -> str:
    if not view.shots:
        return "the script has no rows yet; write one on the script tab"
    if any(is_asked_for(work.get(row)) for row in view.to_draw):
        return "the shots that are not drawn in full are being drawn already; see the queue"
    return "every shot that is not locked has its picture; ask for a new take of one instead"


def _seed(number: int | None) -> int:
    if number is None or not 0 <= number <= MAX_SEED:
        told = "none" if number is None else number
        raise InputError(f"a seed is a whole number from 0 to {MAX_SEED}, got {told}")
    return number
