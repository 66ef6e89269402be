"""Jobs are named by the numbers that their shots have now."""

from __future__ import annotations

from pathlib import Path

import pytest
from pier import Pier

from app.desk.job_names import job_name
from app.queue.jobs import (
    AnimateKeyframes,
    CharacterTest,
    ClipOrder,
    Drawing,
    DrawMissing,
    EncodeReplacement,
    ExportStory,
    Filming,
    PreviewArc,
    RedrawKeyframes,
    RegenerateKeyframe,
)
from moviedreamer_core.workspace import CastMember, Draft, Row

DRAWING = Drawing(steps=2, width=48, height=32)
FILMING = Filming(steps=2, width=48, height=32)
ROWS = tuple(Row(plot="It rains.") for _ in range(40))
MARA = CastMember(name="Mara")
DRAFT = Draft(rows=ROWS, cast=(MARA,))


@pytest.fixture
def pier(tmp_path: Path) -> Pier:
    return Pier(tmp_path)


def ids(*numbers: int) -> tuple[str, ...]:
    return tuple(ROWS[number - 1].id for number in numbers)


@pytest.mark.parametrize(
    ("job", "name"),
    [
        (DrawMissing(story_id="s", keyframes=ids(1, 2, 3, 4), drawing=DRAWING), "Shots 1-4: draw in full"),
        (DrawMissing(story_id="s", keyframes=ids(2), drawing=DRAWING), "Shot 2: draw in full"),
        (PreviewArc(story_id="s", keyframes=ids(1, 5), drawing=DRAWING), "Shots 1 and 5: previews"),
        (RegenerateKeyframe(story_id="s", row=ids(4)[0], drawing=DRAWING, seed=1), "Shot 4: new take"),
        (
            RegenerateKeyframe(
                story_id="s", row=ids(4)[0], drawing=DRAWING, seed=1, later="repredict", later_rows=ids(5, 6)
            ),
            "Shot 4: new take, shots 5-6 follow",
        ),
        (
            RedrawKeyframes(story_id="s", keyframes=ids(7, 9), seeds=(1, 2), drawing=DRAWING),
            "Shots 7 and 9: new takes",
        ),
        (EncodeReplacement(story_id="s", row=ids(3)[0], picture="a.png"), "Shot 3: your picture"),
        (
            AnimateKeyframes(
                story_id="s", clips=(ClipOrder(row=ids(8)[0], seconds=1.0),), filming=FILMING
            ),
            "Shot 8: clip",
        ),
        (CharacterTest(story_id="s", cast_id=MARA.id, drawing=DRAWING), "Test picture of Mara"),
        (ExportStory(story_id="s", format="pdf"), "Export as pdf"),
        (
            PreviewArc(story_id="s", keyframes=ids(*range(1, 40, 2)), drawing=DRAWING),
            "20 shots: previews",
        ),
    ],
)  # fmt: skip
def test_a_job_is_named_by_its_shots(job, name):
    assert job_name(job, DRAFT) == name


def test_the_name_follows_rows_that_move_and_leave(pier):
    job_id = pier.desk.storyboard.new_take(pier.id, pier.rows[3])
    assert pier.desk.jobs.line(job_id).title == "Shot 4: new take"
    pier.desk.script.delete(pier.id, [pier.rows[0]])
    assert pier.desk.jobs.panel().waiting[0].title == "Shot 3: new take"
    pier.desk.script.delete(pier.id, [pier.rows[3]])
    assert pier.desk.jobs.line(job_id).title == "New take of a shot"
