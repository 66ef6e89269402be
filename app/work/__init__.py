"""The real work: a job of the queue -> models -> takes, clips and exports in the story's folder.

- studio: which job is done by what; weights: parts of the models, loaded when a job needs them
- units: progress; scripts: what the models read of a draft; memory: what earlier keyframes look like to the planner
- shots: one keyframe drawn and kept; drawing: missing keyframes, previews; retakes: one shot again, and later ones
- uploads: pictures that replace a keyframe; portraits: tests of a character; casting: faces of the cast;
  drift, face_search: how far the storyboard strays
- filming: clips; cutting: the cut that movies and exports show; movies; exports

Nothing here knows pages or the queue's table. Importing this package is quick: models come with the first job.
"""

from app.work.studio import studio_work

__all__ = ["studio_work"]
