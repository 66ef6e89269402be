"""One keyframe: prepared from the newest script, planned after what is shown before it, drawn and kept as a take.

V visual tokens per keyframe, D token channels. Source: MovieDreamer, sections 3.3 to 3.5.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import asdict, dataclass

from jaxtyping import Float
from torch import Tensor

from app.queue.jobs import Drawing
from app.work.memory import PARTS_TO_REMEMBER, earlier_shots, is_remembered, remembered
from app.work.scripts import (
    boxes_used,
    by_file_name,
    cast_in,
    encoding_key,
    portraits_of,
    reference_pictures,
    script_of,
    whole_script_of,
)
from app.work.studio import Studio
from app.work.units import Step
from app.work.weights import Weights
from moviedreamer_core.autoregressive.generation import plan
from moviedreamer_core.drawing import Shot as DrawnAs, render_shot
from moviedreamer_core.encoders.encoded import EncodedKeyframe
from moviedreamer_core.handoff.recipes import ShotRecipe
from moviedreamer_core.handoff.stamping import save_png
from moviedreamer_core.pictures import Pictures
from moviedreamer_core.script import Character
from moviedreamer_core.storyboard import RenderSettings, save_tokens
from moviedreamer_core.workspace import (
    Draft,
    Revision,
    Row,
    Shot,
    StoryFolder,
    Take,
    TakeRecipe,
    take_recipe,
    tokens_name,
)
from moviedreamer_core.workspace.draft import keyframe_of
from moviedreamer_core.workspace.freshness import cast_of, references_of
from moviedreamer_core.workspace.layout import IMAGE_FILE
from moviedreamer_core.workspace.readings import Box


@dataclass(frozen=True, kw_only=True)
class Order:
    """A take that is to be drawn of `row` of this revision, after the takes of the shots `before` it.

    `owner` keeps the take: the row, or the cast member that it is a test of. `takes` are those there are; `boxes` the
    face boxes set by hand, by picture.
    """

    revision: Revision
    draft: Draft
    row: Row
    owner: str
    takes: tuple[Take, ...]
    before: tuple[Shot, ...]
    boxes: Mapping[str, Box]
    settings: RenderSettings
    seed: int


def order_of(story: StoryFolder, row_id: str, settings: RenderSettings, seed: int) -> Order:
    """A take of a row as the story stands now. Raises StoryError if the row is gone."""
    view = story.view()
    shot = view.shot(row_id)
    return Order(
        revision=view.revision,
        draft=view.revision.draft,
        row=shot.row,
        owner=row_id,
        takes=shot.takes,
        before=earlier_shots(view, row_id),
        boxes=story.readings.face_boxes(),
        settings=settings,
        seed=seed,
    )


def settings_of(drawing: Drawing, *, preview: bool = False) -> RenderSettings:
    """A job's wishes as the renderer takes them."""
    return RenderSettings(**drawing.model_dump(), preview=preview)


def take_made_by(studio: Studio, order: Order) -> Take | None:
    """A take that is there already and was made from the very same."""
    recipe = _recipe(order, studio.weights.hash)
    same = ("origin", "seed", "weights_hash", "settings", "fingerprint")
    fitting = (
        take for take in order.takes if all(getattr(take.recipe, s) == getattr(recipe, s) for s in same)
    )
    return next(fitting, None)


def parts_for(studio: Studio, orders: Sequence[Order]) -> frozenset[str]:
    """The parts of the weights that drawing these takes, one after another, needs. Raises WeightsError."""
    weights_hash, parts = studio.weights.hash, {"text", "autoregressive", "renderer"}
    for order in orders:
        rows = [shot.row for shot in order.before] + [order.row]
        if any(member.faces for member in cast_in(order.draft, rows)):
            parts.add("face")
        before = [shot.take for shot in order.before if shot.take is not None]
        if references_of(order.draft) or not all(is_remembered(take, weights_hash) for take in before):
            parts |= PARTS_TO_REMEMBER
    return frozenset(parts)


def draw(studio: Studio, story: StoryFolder, order: Order) -> Generator[Step, None, Take]:
    """Yield after every denoising step, return the take that was kept; close it, and nothing is.

    The same order gives the same pixels and the same visual tokens. Raises StoryError for a script that cannot be
    drawn, ImageError for a picture that is gone, WeightsError, OutputError.
    """
    started = time.perf_counter()
    weights = studio.weights
    for doing in weights.loading(parts_for(studio, [order])):
        yield Step(0, order.settings.steps, doing)
    encoded, warnings, references = _prepared(story, order, weights)
    yield Step(0, order.settings.steps, "planning")
    tokens = yield from _planned(story, order, weights, encoded, references)
    as_drawn = DrawnAs(seed=order.seed, settings=order.settings)
    rendering = render_shot(weights.load(()).models, tokens, encoded[-1], as_drawn)
    while True:
        try:
            step = next(rendering)
        except StopIteration as end:
            image = end.value
            break
        yield Step(step.index, step.total, "drawing")
    recipe = _recipe(order, weights.hash, warnings=warnings)
    recipe = recipe.model_copy(update={"seconds_taken": time.perf_counter() - started})
    with story.takes.stage(order.owner) as staged:
        save_png(image, staged.folder / IMAGE_FILE, _stamp(order, recipe))
        save_tokens(tokens, staged.folder / tokens_name(weights.hash))
        return staged.commit(recipe)


def _prepared(
    story: StoryFolder, order: Order, weights: Weights
) -> tuple[list[EncodedKeyframe], tuple[str, ...], Tensor | None]:
    """The keyframes before the row and its own, encoded; what the creator should know of it; the references."""
    draft, preparation = order.draft, weights.load(())
    rows = [shot.row for shot in order.before] + [order.row]
    script = script_of(draft, {row.id for row in rows})
    keys = {row.id: encoding_key(draft, row, order.boxes) for row in rows}
    unknown = [row for row in rows if weights.encoded.row(keys[row.id]) is None]
    cast = cast_in(draft, [*unknown, order.row])
    pictures = Pictures(faces=portraits_of(story, cast), references=())
    faces = preparation.portray(pictures, by_file_name(order.boxes))
    for row in unknown:
        encoded = preparation.encode(script, draft.position(row.id) + 1, faces)
        weights.encoded.keep_row(keys[row.id], encoded)
    found = [weights.encoded.row(keys[row.id]) for row in rows]
    references = None
    if paths := references_of(draft):
        references = weights.encoded.references(
            paths, lambda: preparation.tokens_of(reference_pictures(story, paths))
        )
    warnings = preparation.warnings(script, draft.position(order.row.id) + 1, faces)
    return [one for one in found if one is not None], warnings, references


def _planned(
    story: StoryFolder,
    order: Order,
    weights: Weights,
    encoded: list[EncodedKeyframe],
    references: Float[Tensor, "R V D"] | None,
) -> Generator[Step, None, Float[Tensor, "V D"]]:
    """The visual tokens of the row, after those that are shown before it, whatever made them."""
    given = {}
    for index, shot in enumerate(order.before):
        assert shot.take is not None
        if not is_remembered(shot.take, weights.hash):
            yield Step(0, order.settings.steps, f"reading keyframe {shot.number}")
        given[index] = remembered(story, shot.take, weights)
    models = weights.load(()).models
    planning = plan(
        models.planner,
        models.planner_tokenizer,
        encoded,
        seeds=[0] * len(given) + [order.seed],  # those of the others are unused: their tokens are given
        temperature=order.settings.temperature,
        references=references,
        given=given,
    )
    *_, tokens = planning
    return tokens


def _recipe(order: Order, weights_hash: str, warnings: tuple[str, ...] = ()) -> TakeRecipe:
    settings = asdict(order.settings)
    if used := boxes_used(cast_of(order.draft, order.row), order.boxes):
        settings["face_boxes"] = used
    return take_recipe(
        order.draft,
        order.row.id,
        {shot.row.id: shot.take for shot in order.before if shot.take is not None},
        boxes=order.boxes,
        revision=order.revision.number,
        seed=order.seed,
        weights_hash=weights_hash,
        settings=settings,
        warnings=warnings,
    )


def _stamp(order: Order, recipe: TakeRecipe) -> ShotRecipe:
    """The recipe that goes into the picture's own file."""
    script = keyframe_of(order.row)
    assert script is not None  # or it could not have been drawn
    return ShotRecipe(
        number=order.draft.position(order.row.id) + 1,
        seed=order.seed,
        take=max((take.number for take in order.takes), default=0) + 1,
        script=script,
        cast=tuple(
            Character(name=member.name, description=member.description, faces=member.faces)
            for member in recipe.cast
        ),
        weights_hash=recipe.weights_hash or "",
        settings=recipe.settings,
        story=whole_script_of(order.draft),
    )
