"""Stories on disk: a folder per story, safe between processes, tabs, crashes and full disks.

layout      names of folders and files            durable     folders that appear in one step, locks, staging
draft       the script in the editor, row ids     revision    one state of it as a file
journal     saves, undo, redo, stale tabs         decisions   locks, chosen takes, ticks
recipes     what takes and clips were made from   shelf       folders of takes and clips
takes       takes, clips, visual tokens           freshness   what is missing, fresh, stale
pictures    uploads                               readings    what models said about pictures
story       one story                                exported    what exports were made from
opening     sweep, repair, edits by hand          archive, unpacking, zip_reading    zips
stories     all stories and the trash
"""

from moviedreamer_core.workspace.decisions import Decisions, MovieDecisions, ShotDecisions
from moviedreamer_core.workspace.draft import (
    CastMember,
    Draft,
    PersonInRow,
    Row,
    rows_of,
    seed_of,
    story_of,
    with_script_of,
)
from moviedreamer_core.workspace.durable import StoryBusyError, StoryGoneError
from moviedreamer_core.workspace.freshness import Shot, fingerprint, take_recipe
from moviedreamer_core.workspace.journal import StaleSaveError
from moviedreamer_core.workspace.opening import Opened
from moviedreamer_core.workspace.readings import CastReadings, Drift, DriftPoint, FaceReading, LookAlike
from moviedreamer_core.workspace.recipes import ClipRecipe, Fingerprint, TakeRecipe
from moviedreamer_core.workspace.revision import Revision
from moviedreamer_core.workspace.stories import Stories, StorySummary, TrashedStory
from moviedreamer_core.workspace.story import StoryFolder, StoryView
from moviedreamer_core.workspace.takes import Clip, Take, clip_path, image_path, tokens_name, tokens_path
from moviedreamer_core.workspace.zip_reading import ArchiveError

__all__ = [
    "ArchiveError",
    "CastMember",
    "CastReadings",
    "Clip",
    "ClipRecipe",
    "Decisions",
    "Draft",
    "Drift",
    "DriftPoint",
    "FaceReading",
    "Fingerprint",
    "LookAlike",
    "MovieDecisions",
    "Opened",
    "PersonInRow",
    "Revision",
    "Row",
    "Shot",
    "ShotDecisions",
    "StaleSaveError",
    "Stories",
    "StoryBusyError",
    "StoryFolder",
    "StoryGoneError",
    "StorySummary",
    "StoryView",
    "Take",
    "TakeRecipe",
    "TrashedStory",
    "clip_path",
    "fingerprint",
    "image_path",
    "rows_of",
    "seed_of",
    "story_of",
    "take_recipe",
    "tokens_name",
    "tokens_path",
    "with_script_of",
]
