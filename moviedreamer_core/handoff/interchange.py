"""The cut as an OpenTimelineIO file, for editing programs.

A crossfade of L frames becomes a dissolve about the middle of the overlap: OpenTimelineIO lets clips meet at a cut
and takes the frames on the other side of it as handles. Media are named relative to the file. Source:
https://opentimelineio.readthedocs.io/en/stable/tutorials/otio-timeline-structure.html
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

import opentimelineio as otio

from moviedreamer_core.atomic import write_text
from moviedreamer_core.handoff.cut import Cut, Placed, placed, titles_of_scenes
from moviedreamer_core.handoff.wrapping import plain

NAMESPACE = "moviedreamer"  # of the metadata
KEYFRAME_MEDIA = "keyframe"  # the still, beside the clip, which is the media that plays


def write_otio(cut: Cut, path: Path, *, music: Path | None = None) -> None:
    """Write `cut` to `path`: a video track of the clips, or keyframes, a marker each, and a track for `music`.

    Each clip's metadata has, under "moviedreamer", the shot's id, number, plot, script, seed, take, weights' hash
    and notes. Raises OutputError.
    """
    write_text(path, timeline(cut, path.parent, music=music).to_json_string(indent=2) + "\n")


def timeline(cut: Cut, folder: Path, *, music: Path | None = None) -> otio.schema.Timeline:
    """The timeline of `cut`, with its media named relative to `folder`."""
    rate = cut.frames_per_second
    video = otio.schema.Track(name="Shots", kind=otio.schema.TrackKind.Video)
    for place in placed(cut):
        overlap = place.fade_in_frames
        if overlap:
            video.append(
                otio.schema.Transition(
                    name="Crossfade",
                    transition_type=otio.schema.TransitionTypes.SMPTE_Dissolve,
                    in_offset=_time(overlap // 2, rate),
                    out_offset=_time(overlap - overlap // 2, rate),
                )
            )
        video.append(_clip(place, cut, folder))
    result = otio.schema.Timeline(name=plain(cut.title), global_start_time=_time(0, rate))
    result.metadata[NAMESPACE] = {
        "version": 1,
        "frames_per_second": rate,
        "width": cut.size[0],
        "height": cut.size[1],
    }
    result.tracks.append(video)
    if music is not None:
        result.tracks.append(_music_track(music, cut, folder))
    for place, scene in zip(placed(cut), titles_of_scenes(cut.shots)):
        if scene:
            result.tracks.markers.append(
                _marker(plain(scene), place.first_shown, rate, otio.schema.MarkerColor.CYAN)
            )
    return result


def _clip(place: Placed, cut: Cut, folder: Path) -> otio.schema.Clip:
    shot, rate = place.shot, cut.frames_per_second
    whole = otio.opentime.TimeRange(_time(0, rate), _time(place.num_frames, rate))
    still = otio.schema.ExternalReference(target_url=_url(shot.keyframe, folder), available_range=whole)
    still.name = shot.keyframe.name
    media = {otio.schema.Clip.DEFAULT_MEDIA_KEY: still}
    if shot.clip is not None:
        moving = otio.schema.ExternalReference(target_url=_url(shot.clip, folder), available_range=whole)
        moving.name = shot.clip.name
        media = {otio.schema.Clip.DEFAULT_MEDIA_KEY: moving, KEYFRAME_MEDIA: still}
    first = place.first_shown - place.start_frame
    clip = otio.schema.Clip(
        name=f"{shot.number:04} {plain(shot.plot)}",
        source_range=otio.opentime.TimeRange(
            _time(first, rate), _time(place.end_shown - place.first_shown, rate)
        ),
        metadata={
            NAMESPACE: _json_values(
                {
                    "shot": shot.id,
                    "number": shot.number,
                    "plot": shot.plot,
                    "script": shot.script,
                    "seed": shot.seed,
                    "take": shot.take,
                    "weights_hash": shot.weights_hash,
                    "notes": shot.notes,
                }
            )
        },
    )
    clip.set_media_references(media, otio.schema.Clip.DEFAULT_MEDIA_KEY)
    marker = _marker(f"Shot {shot.number}", first, rate, otio.schema.MarkerColor.GREEN)
    marker.comment = plain(shot.plot)
    clip.markers.append(marker)
    return clip


def _music_track(music: Path, cut: Cut, folder: Path) -> otio.schema.Track:
    rate = cut.frames_per_second
    track = otio.schema.Track(name="Music", kind=otio.schema.TrackKind.Audio)
    whole = otio.opentime.TimeRange(_time(0, rate), _time(cut.num_frames, rate))
    reference = otio.schema.ExternalReference(target_url=_url(music, folder))
    track.append(otio.schema.Clip(name=music.name, source_range=whole, media_reference=reference))
    return track


def _marker(name: str, frame: int, rate: int, colour: str) -> otio.schema.Marker:
    at = otio.opentime.TimeRange(_time(frame, rate), _time(0, rate))
    return otio.schema.Marker(name=name, marked_range=at, color=colour)


def _time(frame: int, rate: int) -> otio.opentime.RationalTime:
    return otio.opentime.RationalTime(frame, rate)


def _url(path: Path, folder: Path) -> str:
    """`path` relative to `folder` as a URL; a whole one where there is no way between them (two drives)."""
    try:
        return quote(Path(os.path.relpath(path.absolute(), folder.absolute())).as_posix())
    except ValueError:
        return path.absolute().as_uri()


def _json_values(value: dict[str, Any]) -> Any:
    """`value` as JSON has it: OpenTimelineIO takes neither tuples nor mappings of other kinds."""
    return json.loads(json.dumps(value, default=lambda one: dict(one) if hasattr(one, "keys") else str(one)))
