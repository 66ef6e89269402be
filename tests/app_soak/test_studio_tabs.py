"""Several tabs on one story, and several sessions on one queue: nothing is overwritten, nothing lands elsewhere."""

from __future__ import annotations

import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from colour_work import landscape
from PIL import Image
from queue_bench import until
from soak import count, note
from studio_bench import StudioBench, desk_of, new_story

from app.desk import Desk
from moviedreamer_core.workspace import Revision, StaleSaveError, StoryFolder, image_path

NUM_SAVES, NUM_SHOTS = count(200), 40
TITLES = ("The Pier", "The Pier (copy)", "Le phare d'été", "灯台 ../../The Pier")


@dataclass(frozen=True, kw_only=True)
class Save:
    """One that was accepted: `text` in place of `before`, after revision `base`, as revision `number`."""

    base: int
    number: int
    before: str
    text: str


class SavingTab:
    """Keeps what it saw last, as an editor does, and saves the whole script on top of that."""

    def __init__(self, name: str, story: StoryFolder) -> None:
        self.name, self.story, self.seen = name, story, story.script.head()
        self.saves: list[Save] = []
        self.num_refused = 0

    def save(self) -> None:
        """Once; a tab that is refused takes the other's script first, and its person sees it."""
        row, text = self.seen.draft.rows[0], f"{self.name} {len(self.saves)}"
        draft = self.seen.draft.with_row(row.model_copy(update={"plot": text}))
        try:
            after = self.story.script.save(draft, base=self.seen.number)
        except StaleSaveError as refused:
            self.num_refused += refused.mine == draft  # what was typed is not lost
            self.seen = refused.theirs
            return
        self.saves.append(Save(base=self.seen.number, number=after.number, before=row.plot, text=text))
        self.seen = after


def check_chain(first: Revision, saves: list[Save], head: Revision) -> None:
    """Each save replaced exactly what its tab had seen: the one before, by whomever that was."""
    number, text = first.number, first.draft.rows[0].plot
    for save in sorted(saves, key=lambda save: save.number):
        assert (save.base, save.before) == (number, text)
        number, text = save.number, save.text
    assert (head.number, head.draft.rows[0].plot) == (number, text)


def test_two_tabs_that_save_in_turns_overwrite_nothing_that_they_have_not_seen(studio: StudioBench) -> None:
    chance = random.Random(3)
    story_id = new_story(studio.desk, "The Pier").id
    first = studio.desk.story(story_id).script.head()
    tabs = [SavingTab(name, desk_of(studio.folder).story(story_id)) for name in ("left", "right")]
    while sum(len(tab.saves) for tab in tabs) < NUM_SAVES:
        chance.choice(tabs).save()
    saves = [save for tab in tabs for save in tab.saves]
    check_chain(first, saves, studio.desk.story(story_id).script.head())
    num_refused = sum(tab.num_refused for tab in tabs)
    assert num_refused > 0
    note(
        "Two tabs save one story in turns, with revision numbers: none silently overwritten",
        saves=len(saves),
        refused_and_told=num_refused,
        overwritten=0,
    )


def test_two_tabs_that_save_at_the_same_time_overwrite_nothing_that_they_have_not_seen(
    studio: StudioBench,
) -> None:
    story_id = new_story(studio.desk, "The Pier").id
    first = studio.desk.story(story_id).script.head()
    tabs = [SavingTab(name, desk_of(studio.folder).story(story_id)) for name in ("left", "right")]
    together = threading.Barrier(2)

    def type_away(tab: SavingTab) -> None:
        for _ in range(NUM_SAVES // 2):
            together.wait()
            num_before = len(tab.saves)
            while len(tab.saves) == num_before:
                tab.save()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(type_away, tabs))
    saves = [save for tab in tabs for save in tab.saves]
    assert len(saves) == NUM_SAVES // 2 * 2
    check_chain(first, saves, studio.desk.story(story_id).script.head())
    num_refused = sum(tab.num_refused for tab in tabs)
    assert num_refused > 0
    note(
        "Two tabs save one story at the same time, with revision numbers: none silently overwritten",
        saves=len(saves),
        refused_and_told=num_refused,
        overwritten=0,
    )


def test_two_tabs_that_type_into_fields_merge_what_differs_and_are_told_of_what_does_not(
    studio: StudioBench,
) -> None:
    """As the script editor saves: a field with what it held before, into the newest script."""
    chance = random.Random(4)
    story_id = new_story(studio.desk, "The Pier").id
    desks = [desk_of(studio.folder) for _ in range(2)]
    rows = [row.id for row in desks[0].story(story_id).script.head().draft.rows]
    shown = [{row: plot_of(desks[0], story_id, row) for row in rows} for _ in desks]  # per tab
    truth = dict(shown[0])
    counted: Counter[str] = Counter()
    num_asked = 0
    while counted["saved"] < NUM_SAVES:
        tab, row = chance.randrange(2), chance.choice(rows)
        text = f"Tab {tab} types {num_asked}."
        is_stale = shown[tab][row] != truth[row]
        try:
            desks[tab].script.set_row(story_id, row, {"plot": text}, seen={"plot": shown[tab][row]})
        except StaleSaveError as error:
            counted["refused"] += is_stale and error.theirs.draft.row(row).plot == truth[row]
        else:
            counted["saved"] += not is_stale
            truth[row] = text
        num_asked += 1
        shown[tab][row] = truth[row]
        assert {row: plot_of(studio.desk, story_id, row) for row in rows} == truth
    assert counted["saved"] + counted["refused"] == num_asked  # each ended as it had to
    assert counted["refused"] > 0
    note(
        "Two tabs type into the fields of one story: other fields merge, the same field is refused and told",
        saves=counted["saved"],
        refused_and_told=counted["refused"],
        overwritten=0,
    )


def plot_of(desk: Desk, story_id: str, row: str) -> str:
    return desk.story(story_id).script.head().draft.row(row).plot


def test_four_sessions_queue_forty_shots_and_each_lands_in_its_own_story(studio: StudioBench) -> None:
    own = NUM_SHOTS // len(TITLES)
    stories = [
        new_story(studio.desk, title, tuple(f"Mara counts {number} of {title}." for number in range(own)))
        for title in TITLES
    ]
    studio.start_server(edits=False, step_seconds=0.0)
    together = threading.Barrier(len(stories))

    def session(story: StoryFolder) -> list[int]:
        desk = desk_of(studio.folder)
        rows = [row.id for row in story.script.head().draft.rows]
        random.Random(story.path.name).shuffle(rows)
        together.wait()
        return [desk.storyboard.new_take(story.id, row) for row in rows]

    with ThreadPoolExecutor(len(stories)) as pool:
        ids = [job_id for own_ids in pool.map(session, stories) for job_id in own_ids]
    assert len(set(ids)) == NUM_SHOTS
    queue = studio.desk.queue
    until(lambda: not any(job.is_active for job in queue.snapshot().jobs), of="the end of all jobs")
    assert {queue.status(job_id).state for job_id in ids} == {"done"}
    for story in stories:
        check_takes_are_its_own(story, own)
    note(
        "Four sessions queue 40 shots of differently named stories: each lands in its own story",
        sessions=len(stories),
        shots_queued=len(ids),
        in_another_story=0,
    )


def check_takes_are_its_own(story: StoryFolder, num_shots: int) -> None:
    view = story.view()
    assert len(view.shots) == num_shots
    assert set(story.takes.owners()) == {shot.row.id for shot in view.shots}
    for shot in view.shots:
        (take,) = shot.takes
        assert take.recipe.row.plot == shot.row.plot
        expected = landscape(f"{shot.row.id}{take.recipe.seed}", (48, 32))
        np.testing.assert_array_equal(np.asarray(Image.open(Path(image_path(take)))), np.asarray(expected))
