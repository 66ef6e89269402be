"""Files that were spoiled at random, uploaded through the desk: taken whole, or refused with one sentence."""

from __future__ import annotations

import gc
import tempfile
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st
from soak import count, note
from studio_bench import StudioBench, new_story
from upload_seeds import WORDS, largest_pictures, pictures, spoiled, texts

from app.desk import Desk
from app.desk.origins import origin_of
from moviedreamer_core.errors import MovieDreamerError
from moviedreamer_core.images import read_image

NUM_PICTURES, NUM_TEXTS = count(500), count(300)
MAX_PICTURE_MIB = (
    900.0  # of resident memory, beyond what there was before: pictures are no objects of Python's
)
MAX_TEXT_MIB = 96.0  # of Python's own
MAX_MESSAGE_CHARACTERS = 700


@dataclass
class Counted:
    """How uploads ended. `most_MiB` is the peak of memory above that before the first."""

    taken: int = 0
    refused: int = 0
    most_MiB: float = 0.0

    @property
    def total(self) -> int:
        return self.taken + self.refused


def resident_mib(key: str) -> float:
    """VmRSS, what this process has in memory now, or VmHWM, the most since `counting_resident` began."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(key)).split()[1]) / 1024


@contextmanager
def counting_traced(counted: Counted) -> Iterator[None]:
    tracemalloc.start()
    yield
    counted.most_MiB = round(tracemalloc.get_traced_memory()[1] / 2**20, 1)
    tracemalloc.stop()


@contextmanager
def counting_resident(counted: Counted) -> Iterator[None]:
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak; see proc(5)
    before = resident_mib("VmRSS")
    yield
    counted.most_MiB = round(resident_mib("VmHWM") - before, 1)


def upload(act: Callable[[Path], object], name: str, content: bytes, counted: Counted) -> str:
    """Have the file taken by `act`; what was told if it was refused. Anything but one clear sentence fails."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        try:
            act(path)
        except MovieDreamerError as error:
            counted.refused += 1
            return checked_sentence(str(error), name)
        counted.taken += 1
        return ""


def checked_sentence(told: str, name: str) -> str:
    assert told.startswith((f"{name}: ", f"{name!a}: ", "keyframe ", "the script ")), told
    assert "\n" not in told
    assert len(told) < MAX_MESSAGE_CHARACTERS
    assert not any(word in told for word in ("Traceback", "Error(", "object at 0x"))
    assert len(told.split()) > 4
    return told


def note_uploads(kind: str, counted: Counted, bound_mib: float) -> None:
    assert counted.most_MiB < bound_mib
    note(
        f"Mutated uploads, {kind}: no crash, bounded memory, one sentence each",
        mutated=counted.total,
        refused=counted.refused,
        taken=counted.taken,
        crashes=0,
        largest_MiB=counted.most_MiB,
        bound_MiB=bound_mib,
    )


def test_any_mutated_picture_is_taken_whole_or_told(studio: StudioBench) -> None:
    """As a face, a reference and a replaced keyframe; and asked for the recipe that it might carry."""
    desk, seeds, counted = studio.desk, pictures(), Counted()
    story = new_story(desk, "The Pier")

    @settings(max_examples=NUM_PICTURES, deadline=None, database=None)
    @given(data=st.data())
    def mutate(data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(seeds)))
        content = spoiled(
            seeds[name], data, words=("moviedreamer\0", '{"version": 3}', "IDAT", "iTXt", "Exif\0\0")
        )
        upload(lambda path: take_picture(desk, story.id, path), name, content, counted)
        upload(origin_of, name, content, Counted())

    for name, content in seeds.items():
        assert upload(lambda path: take_picture(desk, story.id, path), name, content, Counted()) == ""
    with counting_resident(counted):
        mutate()
    assert counted.total >= NUM_PICTURES
    assert counted.refused
    draft = story.script.head().draft
    for kept in [*draft.references, *(face for member in draft.cast for face in member.faces)]:
        assert read_image(story.path / kept).mode == "RGB"
    assert list((story.path / "staging").glob("*")) == []
    note_uploads("pictures", counted, MAX_PICTURE_MIB)


def take_picture(desk: Desk, story_id: str, path: Path) -> None:
    """Keep it as a face and as a reference, in place of the last one."""
    cast = desk.story(story_id).script.head().draft.cast[0]
    for face in cast.faces:
        desk.cast.remove_face(story_id, cast.id, face)
    for reference in desk.references.view(story_id).pictures:
        desk.references.remove(story_id, reference)
    desk.cast.add_face(story_id, cast.id, path)
    desk.references.add(story_id, path)


def test_the_largest_pictures_that_are_taken_need_bounded_memory(studio: StudioBench) -> None:
    story, counted = new_story(studio.desk, "The Pier"), Counted()
    seeds = dict(list(largest_pictures().items())[: count(3)])
    with counting_resident(counted):
        for name, content in seeds.items():
            assert (
                upload(lambda path: studio.desk.references.add(story.id, path), name, content, counted) == ""
            )
            upload(lambda path: studio.desk.references.add(story.id, path), name, content[:-30], counted)
    assert (counted.taken, counted.refused) == (len(seeds), len(seeds))
    note_uploads("pictures of 40 megapixels, whole and cut off", counted, MAX_PICTURE_MIB)


@pytest.mark.parametrize("suffix", [".yaml", ".csv", ".fountain"])
def test_any_mutated_story_file_is_a_story_or_told(studio: StudioBench, suffix: str) -> None:
    """As a new story, and as rows of one that is there; what it becomes can be read, drawn from and written."""
    desk, seeds, counted = studio.desk, texts(suffix), Counted()
    story, name = new_story(desk, "The Pier"), f"upload{suffix}"

    @settings(max_examples=NUM_TEXTS, deadline=None, database=None)
    @given(data=st.data())
    def mutate(data: st.DataObject) -> None:
        content = spoiled(data.draw(st.sampled_from(seeds)), data, words=WORDS)
        before = story.script.head()
        upload(lambda path: as_a_new_story(desk, path), name, content, counted)
        told_of_rows = upload(
            lambda path: desk.script.take_file(story.id, path, imported_as="replace"),
            name,
            content,
            Counted(),
        )
        if told_of_rows:
            assert story.script.head() == before
        else:
            desk.script.export(story.id, "yaml")

    for content in seeds:
        assert upload(lambda path: as_a_new_story(desk, path), name, content, Counted()) == ""
    with counting_traced(counted):
        mutate()
    assert counted.total >= NUM_TEXTS
    assert counted.refused
    assert desk.shelf.open(story.id).notices == ()
    note_uploads(f"story files ({suffix})", counted, MAX_TEXT_MIB)


def as_a_new_story(desk: Desk, path: Path) -> None:
    made = desk.shelf.from_file(path)
    assert made.script.head().draft.rows
    assert desk.shelf.open(made.id).notices == ()
    desk.script.view(made.id)
    desk.shelf.delete(made.id)
    desk.shelf.discard(made.id)
