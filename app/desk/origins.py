"""Where a picture, a clip or a movie came from: the recipe that the file carries, and its way back into a row."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from moviedreamer_core.errors import InputError, StoryError
from moviedreamer_core.handoff.recipes import MovieRecipe, Recipe, ShotRecipe, recipe_of
from moviedreamer_core.names import name_key
from moviedreamer_core.workspace import CastMember, Draft, PersonInRow, Stories, StoryFolder


@dataclass(frozen=True, kw_only=True)
class Origin:
    """`kind` is "keyframe", "clip" or "movie"; `facts` are pairs of words; only one of a shot `can_load` into a row.

    `seed` and `temperature` are those of a shot. `has_story`: the file carries the whole story, drawn in `style`.
    """

    file_name: str
    kind: str
    facts: tuple[tuple[str, str], ...]
    can_load: bool
    seed: int | None = None
    temperature: float | None = None
    has_story: bool = False
    style: str = ""


def origin_of(path: Path) -> Origin:
    """What the PNG or MP4 at `path` says of itself. Raises InputError naming the file."""
    recipe = recipe_of(path)
    shot = recipe if isinstance(recipe, ShotRecipe) else None
    return Origin(
        file_name=path.name,
        kind=recipe.kind,
        facts=_facts(recipe),
        can_load=shot is not None,
        seed=shot.seed if shot else None,
        temperature=_temperature(shot) if shot else None,
        has_story=recipe.story is not None,
        style="" if recipe.story is None else recipe.story.style.strip(),
    )


def story_of_file(stories: Stories, path: Path) -> StoryFolder:
    """A new story from the one that the file carries: script, cast, seeds and style, but no pictures.

    Raises InputError for a file without a whole story, StoryError, OutputError.
    """
    recipe = recipe_of(path)
    if recipe.story is None:
        raise InputError(f"{path.name}: the file carries no whole story; load its shot into a row instead")
    return stories.new(recipe.story)


def load_into_row(story: StoryFolder, row_id: str, path: Path) -> None:
    """Put the script and the seed of the file's shot into a row; who is new in it gets a card without a face.

    Raises InputError for a file without the recipe of one shot, StoryError for a locked shot or a row that is gone.
    """
    recipe = recipe_of(path)
    if not isinstance(recipe, ShotRecipe):
        raise InputError(f"{path.name}: a whole movie does not fit into one row; choose a picture or a clip")
    if story.view().shot(row_id).locked:
        raise StoryError("this shot is locked; unlock it to load another script")
    story.script.change(lambda draft: _with_recipe(draft, row_id, recipe), label="Load a recipe")


def _with_recipe(draft: Draft, row_id: str, recipe: ShotRecipe) -> Draft:
    script = recipe.script
    row = draft.row(row_id).model_copy(
        update={
            "plot": script.plot,
            "scene_elements": tuple(script.scene_elements),
            "characters": tuple(
                PersonInRow(name=person.name, description=person.description) for person in script.characters
            ),
            "seed": recipe.seed,
            "seconds": script.seconds,
        }
    )
    known = {name_key(member.name) for member in draft.cast}
    added = [
        CastMember(name=one.name, description=one.description)
        for one in recipe.cast
        if name_key(one.name) not in known
    ]
    return draft.with_row(row).with_changes(cast=[*draft.cast, *added])


def _temperature(recipe: ShotRecipe) -> float | None:
    value = recipe.settings.get("temperature")
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _facts(recipe: Recipe) -> tuple[tuple[str, str], ...]:
    if isinstance(recipe, MovieRecipe):
        found = [("Movie", recipe.title), ("Shots", str(len(recipe.shots)))]
        if recipe.shots:
            found.append(("Length", f"{sum(shot.seconds for shot in recipe.shots):.1f} s"))
    else:
        found = [
            ("Shot", f"{recipe.number}, take {recipe.take}"),
            ("Plot", recipe.script.plot),
            ("Scene", ", ".join(recipe.script.scene_elements)),
            ("Cast", ", ".join(person.name for person in recipe.script.characters)),
            ("Seed", str(recipe.seed)),
            *((name.replace("_", " ").capitalize(), str(value)) for name, value in recipe.settings.items()),
        ]
        if recipe.story is not None:
            found.insert(0, ("Story", recipe.story.title))
            found.insert(4, ("Style", recipe.story.style.strip()))
    if recipe.weights_hash:
        found.append(("Weights", recipe.weights_hash[:8]))
    return tuple((name, value) for name, value in found if value)
