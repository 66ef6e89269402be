"""A disk that refuses at every single point of every act: nothing is damaged, and the message says what to do."""

from __future__ import annotations

import builtins
import errno
import io
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from making import PLOTS, content_of, draft_of_plots, draw, picture
from writers import ACTS, points

from moviedreamer_core.errors import MovieDreamerError, OutputError
from moviedreamer_core.workspace import Stories

# Of these, a full disk refuses those that need room; which of them do is the file system's business.
_REFUSING = {os: ("fsync", "replace", "rename", "mkdir", "link", "sync")}
WRITING_ACTS = [act for act in ACTS if act not in ("edit by hand",)]


@contextmanager
def disk_full_at(number: int) -> Iterator[list[int]]:
    """The given call (1-based) of those that write fails for lack of room, and so do all later ones."""
    count = [0]

    def refusing(real: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object, **options: object) -> object:
            count[0] += 1
            if count[0] >= number:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return real(*arguments, **options)

        return call

    def opening(path: object, mode: str = "r", *arguments: object, **options: object) -> object:
        return (refusing(real_open) if set(mode) & set("wax+") else real_open)(
            path, mode, *arguments, **options
        )

    real_open = io.open
    with pytest.MonkeyPatch.context() as patch:
        for name in _REFUSING[os]:
            patch.setattr(os, name, refusing(getattr(os, name)))
        patch.setattr(io, "open", opening)
        patch.setattr(builtins, "open", opening)
        yield count


@pytest.fixture
def root(tmp_path: Path) -> Path:
    stories = Stories(tmp_path / "stories")
    story = stories.new(title="The Pier")
    story.script.save(draft_of_plots(*PLOTS), base=1)
    for seed in range(2):
        draw(story, story.script.head().draft.rows[0].id, seed=seed)
    story.decisions.lock([story.script.head().draft.rows[3].id])
    stories.delete(stories.new(title="Deleted").id)
    stories.export_archive(story.id, tmp_path / "story.zip")
    picture(tmp_path / "upload.png", "olive")
    return stories.root


@pytest.mark.parametrize("act", WRITING_ACTS)
def test_a_disk_that_is_full_at_any_point_damages_nothing_and_is_told(act: str, root: Path) -> None:
    refused = 0
    for number in points():
        copy = root.parent / f"copy-{number}" / "stories"
        shutil.copytree(root.parent, copy.parent, ignore=shutil.ignore_patterns("copy-*"))
        prepared = ACTS[act](Stories(copy))
        before = whole_content(copy)
        error: OSError | MovieDreamerError | None = None
        with disk_full_at(number) as count:
            try:
                prepared()
            except (OSError, MovieDreamerError) as found:
                error = found
        reached = count[0] >= number
        if error is not None:
            refused += 1
            check_message(error)
            stories = Stories(copy)
            for summary in stories.summaries():
                assert stories.open(summary.id).notices == ()
            # A refused act has changed nothing, whatever it had begun; but emptying the trash is several.
            assert act == "empty trash" or whole_content(copy) == before
            prepared_again = ACTS[act](stories)
            prepared_again()  # there is room again
        shutil.rmtree(copy.parent)
        if not reached:
            break
    assert refused >= 1


def check_message(error: Exception) -> None:
    if str(error).startswith("[Errno"):  # the test's own files, such as the image that it draws
        return
    assert isinstance(error, OutputError)
    assert "the disk is full; free some space and try again" in str(error)
    assert "\n" not in str(error)


def whole_content(root: Path) -> dict[str, bytes]:
    return {path: data for path, data in content_of(root).items() if ".staging" not in path}


def test_a_save_that_was_written_counts_though_the_story_file_could_not_follow(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stories = Stories(root)
    story = stories.get(stories.summaries()[0].id)
    real = os.replace

    def refuse_story_file(source: Path, target: Path) -> None:
        if Path(target).name == "story.yaml":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(source, target)

    monkeypatch.setattr(os, "replace", refuse_story_file)
    story.script.save(draft_of_plots("x"), base=2)
    monkeypatch.undo()
    assert story.script.head().number == 3
    assert stories.open(story.id).notices == ()
    assert "plot: x" in (story.path / "story.yaml").read_text("utf-8")
