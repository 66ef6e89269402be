"""The Cast tab: a card per character with face pictures, their crops, and test pictures."""

from __future__ import annotations

from typing import Any

import gradio as gr

from app.desk import Desk
from app.desk.cast import CharacterCard, FacePicture
from app.desk.row_warnings import KnownWords, said_unknown
from app.pages.island import Answer, island, words_of
from app.pages.live import ACTED, PRIVATE
from app.pages.media import address_of, uploaded
from app.pages.session import Session, while_in_view
from app.pages.skeletons import skeleton_of
from app.pages.telling import said
from app.queue.snapshots import JobStatus
from moviedreamer_core.errors import InputError
from moviedreamer_core.workspace import StaleSaveError, image_path

JOB_KINDS = ("character-test", "read-cast")


def build(desk: Desk, session: Session) -> None:
    """Called inside its tab."""
    cards = island(
        "cast",
        answers=(*_card_acts(desk), *_face_acts(desk), words_of(desk, "looks")),
        scripts=("outbox", "words", "cast_faces"),
        skeleton=skeleton_of("cast"),
    )
    progress_shown = gr.State(())

    def shown(story_id: str) -> dict[str, Any]:
        if story_id:
            desk.cast.ensure_looked_at(story_id)
        return shown_cast(desk, story_id)

    def on_tick(story_id: str, before: tuple[Any, ...]) -> Any:
        now = _progress(desk, story_id)
        return gr.skip() if now == before else (shown_cast(desk, story_id), now)

    for changes in (session.story_id.change, session.changed.change):
        changes(said(shown), session.story_id, cards, **PRIVATE)
    while_in_view(session, cards, on_tick, [session.story_id, progress_shown], [cards, progress_shown])
    cards.altered(lambda number: number + 1, session.changed, session.changed, **ACTED)


def _progress(desk: Desk, story_id: str) -> tuple[Any, ...]:
    """What the cards show of the queue; the same as long as nothing moves."""
    jobs = desk.queue.snapshot().of_story(story_id) if story_id else ()
    return (story_id, *((job.id, job.state, round(job.share, 1)) for job in jobs if job.kind in JOB_KINDS))


def shown_cast(desk: Desk, story_id: str) -> dict[str, Any]:
    """All that the cards draw; only the id of no story."""
    if not story_id:
        return {"story": ""}
    view = desk.cast.view(story_id)
    return {
        "story": story_id,
        "revision": view.revision.number,
        "reading": view.is_reading,
        "cards": [_shown_card(card, desk.script.words) for card in view.cards],
        "test_cost": desk.cast.cost_of_test(story_id, view.cards[0].member.id).about if view.cards else "",
    }


def _shown_card(card: CharacterCard, words: KnownWords) -> dict[str, Any]:
    return {
        "id": card.member.id,
        "name": card.member.name,
        "description": card.member.description,
        "faces": [_shown_face(face) for face in card.faces],
        "alike": list(card.alike),
        "rows": card.num_rows,
        "unknown": said_unknown(card.unknown, words) if card.unknown else "",
        "tests": [address_of(image_path(take)) for take in card.tests[-6:]],
        "job": _shown_job(card.test_job),
    }


def _shown_face(face: FacePicture) -> dict[str, Any]:
    reading = face.reading
    return {
        "picture": face.picture,
        "address": address_of(face.path),
        "read": reading is not None,
        "found": reading is not None and reading.face_found,
        "hand": reading is not None and reading.by_hand,
        "box": list(reading.box) if reading else None,
    }


def _shown_job(job: JobStatus | None) -> dict[str, Any] | None:
    if job is None or job.state in ("done", "cancelled"):
        return None
    return {"state": job.state, "share": round(job.share, 1), "message": job.message}


def _card_acts(desk: Desk) -> tuple[Answer, ...]:
    cast = desk.cast

    def after(asked: dict[str, Any], **more: Any) -> dict[str, Any]:
        return {"view": shown_cast(desk, str(asked["story"])), **more}

    def read_cast(asked: dict[str, Any]) -> Any:
        return after(asked)

    def save_card(asked: dict[str, Any]) -> Any:
        story_id, cast_id = str(asked["story"]), str(asked["row"])
        try:
            cast.set_member(story_id, cast_id, asked["fields"], seen=asked["seen"])
        except StaleSaveError as error:
            theirs = error.theirs.draft.member(cast_id)
            return after(asked, stale={"name": theirs.name, "description": theirs.description})
        return after(asked)

    def add_card(asked: dict[str, Any]) -> Any:
        return after(asked, id=cast.add(str(asked["story"])))

    def remove_card(asked: dict[str, Any]) -> Any:
        cast.remove(str(asked["story"]), str(asked["card"]))
        return after(asked)

    def undo_cast(asked: dict[str, Any]) -> Any:
        desk.script.undo_only(str(asked["story"]), int(asked["base"]))
        return after(asked)

    def test_card(asked: dict[str, Any]) -> Any:
        cast.test(str(asked["story"]), str(asked["card"]))
        return after(asked)

    return read_cast, save_card, add_card, remove_card, undo_cast, test_card


def _face_acts(desk: Desk) -> tuple[Answer, ...]:
    cast = desk.cast

    def after(asked: dict[str, Any]) -> dict[str, Any]:
        return {"view": shown_cast(desk, str(asked["story"]))}

    def add_face(asked: dict[str, Any]) -> Any:
        cast.add_face(str(asked["story"]), str(asked["card"]), uploaded(asked))
        return after(asked)

    def remove_face(asked: dict[str, Any]) -> Any:
        cast.remove_face(str(asked["story"]), str(asked["card"]), str(asked["picture"]))
        return after(asked)

    def put_face_first(asked: dict[str, Any]) -> Any:
        cast.put_face_first(str(asked["story"]), str(asked["card"]), str(asked["picture"]))
        return after(asked)

    def set_face_box(asked: dict[str, Any]) -> Any:
        cast.set_box(str(asked["story"]), str(asked["picture"]), _box_of(asked.get("box")))
        return after(asked)

    return add_face, remove_face, put_face_first, set_face_box


def _box_of(edges: Any) -> tuple[float, float, float, float] | None:
    if edges is None:
        return None
    try:
        left, top, right, bottom = (float(edge) for edge in edges)
    except (TypeError, ValueError):
        raise InputError("this is not a part of the picture; draw the frame around the face") from None
    return left, top, right, bottom
