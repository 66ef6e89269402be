"""The movie tab's right side, as markup: the screen, how the movie is put together, and what can be taken away."""

from __future__ import annotations

from typing import Literal

from app.desk.clips import EXPORT_LABELS, ClipCard, ClipRow, ExportFile
from app.desk.jobs import Cost, counted
from app.desk.movie import MovieView
from app.desk.shot_cards import Pairs
from app.pages.clip_list import CLIP_WORDS
from app.pages.glossary import SETTINGS
from app.pages.live import Markup, address, button, el, icon, joined, with_cost
from app.pages.take_cards import pairs
from app.pages.telling import ago
from app.queue.settings import EXPORT_FILES

Showing = Literal["movie", "animatic", "shot"]
MUSIC = ".mp3,.wav,.ogg,.flac,.m4a"
EXPORTS = ("mp4", "srt", "otio", "contact-sheet", "pdf", "keyframes", "story")  # what can be taken away


def screen(
    view: MovieView, showing: Showing, row: ClipRow | None, another: Cost | None, recipe: Pairs = ()
) -> Markup:
    """A player of the movie, the animatic, or one shot's clip beside its keyframe, which `another` clip costs.

    `recipe` is what that keyframe was made from.
    """
    words: list[tuple[Showing, str]] = [("movie", "Movie"), ("animatic", "Animatic")]
    words += [("shot", f"Shot {row.number}")] if row is not None else []
    chosen = showing if showing != "shot" or row is not None else "movie"
    tabs = [
        el(
            "button",
            label,
            type="button",
            data_act="screen",
            data_showing=name,
            data_tip=SETTINGS.get(name),
            aria_pressed="true" if name == chosen else "false",
        )
        for name, label in words
    ]
    return el(
        "section",
        el("div", tabs, class_="md-segment-buttons", role="group", aria_label="On the screen"),
        el("div", _shot(row, another, recipe), class_="md-on-screen")
        if chosen == "shot" and row is not None
        else _film(view, chosen),
        class_="md-screen-box",
        aria_label="Screen",
    )


def _film(view: MovieView, showing: Showing) -> Markup:
    file = view.export("movie.mp4" if showing == "movie" else "animatic.mp4")
    if file is None:
        is_made = showing in view.making
        words = (
            f"The {showing} is being made and appears here."
            if is_made
            else "The movie appears here: press Make movie."
            if showing == "movie"
            else "The animatic shows the keyframes for their seconds, with the plot as subtitles, without animating."
        )
        words_and_cost = with_cost("Make the animatic", view.animatic_cost)
        make = button(words_and_cost, "make_animatic", sign="film", able=view.num_drawn > 0)
        inner = el(
            "div",
            icon("film"),
            el("p", words),
            make if showing == "animatic" and not is_made else None,
            class_="md-dark-blank",
        )
        return el("div", el("div", inner, class_="md-player"), class_="md-on-screen")
    label = "The movie" if showing == "movie" else "The animatic"
    made = f"Made {ago(file.made_at)}, {_size(file.num_bytes)}"
    again = (
        button(with_cost("Make it anew", view.animatic_cost), "make_animatic", kind="md-small", sign="redo")
        if showing == "animatic"
        else None
    )
    return el(
        "div",
        el("div", _video(file, label), class_="md-player"),
        el(
            "div",
            el("span", made, class_="md-hint"),
            _outdated(file),
            el("span", class_="md-spring"),
            again,
            _download(file),
            class_="md-along",
        ),
        class_="md-on-screen",
    )


def _video(file: ExportFile, label: str) -> Markup:
    return el(
        "video",
        src=address(file.path, file.version),
        controls=True,
        preload="metadata",
        playsinline=True,
        aria_label=label,
    )


def _shot(row: ClipRow, another: Cost | None, recipe: Pairs) -> Markup:
    reason = f": {row.reason}" if row.reason else ""
    if row.failure and row.state in ("stale", "fresh"):
        reason += f" (the last try went wrong: {row.failure})"
    able = row.image is not None and row.state not in ("running", "waiting")
    label = with_cost("Another clip" if row.clips else "Animate it", another if able else None)
    sign = "redo" if row.clips else "film"
    return joined(
        _beside(row),
        el(
            "div",
            el("span", CLIP_WORDS[row.state] + reason, class_=f"md-state md-shot-is-{row.state}"),
            el("span", class_="md-spring"),
            button(label, "animate_again", kind="md-small", sign=sign, able=able, row=row.row_id),
            class_="md-along",
        ),
        el("div", [_clip(card, row) for card in row.clips], class_="md-clip-cards") if row.clips else None,
        _origin(row, recipe),
    )


def _origin(row: ClipRow, recipe: Pairs) -> Markup | None:
    """Where the picture and the clip at hand came from."""
    parts = [("Picture", recipe)] if recipe else []
    parts += [(f"Clip {row.clip.number}", row.clip.facts)] if row.clip else []
    if not parts:
        return None
    return el(
        "details",
        el("summary", "Where did this come from?"),
        el("div", [el("section", el("h4", title), pairs(facts)) for title, facts in parts]),
        class_="md-came-from",
        data_key=f"{row.row_id}/came-from",
    )


def _beside(row: ClipRow) -> Markup:
    """The keyframe and its clip."""
    image: Markup = el("span", "Not drawn yet", class_="md-no-picture")
    clip = el("span", icon("film"), "No clip yet", class_="md-no-picture")
    if row.image:
        image = el("img", src=address(row.image), alt=f"Keyframe of shot {row.number}")
    if row.clip:
        clip = el(
            "video",
            src=address(row.clip.path),
            controls=True,
            loop=True,
            muted=True,
            preload="auto",
            playsinline=True,
            aria_label=f"Clip of shot {row.number}",
        )
    sides = (("Keyframe", image), ("Clip", clip))
    return el(
        "div",
        [
            el("figure", el("div", seen, class_="md-picture"), el("figcaption", word, class_="md-hint"))
            for word, seen in sides
        ],
        class_="md-beside",
    )


def _clip(card: ClipCard, row: ClipRow) -> Markup:
    facts = " · ".join(value for name, value in card.facts if name in ("Length", "Motion"))
    return el(
        "div",
        el("strong", f"Clip {card.number}"),
        el("span", facts, class_="md-hint"),
        el("span", "new", class_="md-badge md-locked") if card.is_new else None,
        el("span", class_="md-spring"),
        el("span", "shown", class_="md-badge md-fresh")
        if card.is_shown
        else button(
            "Use this",
            "choose_clip",
            kind="md-small",
            row=row.row_id,
            clip=card.id,
            aria_label=f"Use clip {card.number}",
        ),
        class_="md-along",
    )


# --- how the movie is put together ---------------------------------------------------------------------


def settings(view: MovieView) -> Markup:
    """Transition, subtitles, music, and the button that makes the movie."""
    movie = view.settings
    return el(
        "section",
        el("h3", "The movie"),
        el(
            "div",
            _segments(
                "transition", "Transition", (("cut", "Cut"), ("crossfade", "Crossfade")), movie.transition
            ),
            _segments(
                "subtitles",
                "Subtitles",
                (("none", "None"), ("file", "File"), ("burned", "Burned in")),
                movie.subtitles,
            ),
            class_="md-settings",
        ),
        _music(movie.music),
        _make(view),
        class_="md-box",
    )


def _segments(name: str, label: str, choices: tuple[tuple[str, str], ...], chosen: str) -> Markup:
    buttons = [
        el(
            "button",
            word,
            type="button",
            data_act="set",
            data_field=name,
            data_value=value,
            aria_pressed="true" if value == chosen else "false",
        )
        for value, word in choices
    ]
    return el(
        "div",
        el("span", label, class_="md-label"),
        el(
            "div",
            buttons,
            class_="md-segment-buttons",
            role="group",
            aria_label=label,
            data_tip=SETTINGS[name],
        ),
    )


def _music(track: str | None) -> Markup:
    words = f"A {track.rpartition('.')[2].upper()} track plays under it" if track else "No music"
    upload = button(
        "Other track" if track else "Upload a track",
        "music",
        kind="md-small",
        sign="upload",
        upload="",
        accept=MUSIC,
    )
    remove = button("Remove", "no_music", kind="md-small md-quiet") if track else None
    return el(
        "div",
        el("span", "Music", class_="md-label"),
        el(
            "div",
            el("span", words, class_="md-music-words"),
            el("span", class_="md-spring"),
            upload,
            remove,
            class_="md-along",
        ),
        data_drop=True,
    )


def _make(view: MovieView) -> Markup:
    if view.movie_cost is None:
        return button("Make movie", "make_movie", kind="md-primary md-wide", sign="film", able=False)
    stills = view.num_drawn - view.num_clips
    counts = [counted(view.num_clips, "clip")] if view.num_clips else []
    counts += [counted(stills, "still")] if stills > 0 else []
    return joined(
        button(
            with_cost("Make movie", view.movie_cost), "make_movie", kind="md-primary md-wide", sign="film"
        ),
        el("p", f"{view.seconds:.0f} s long: {' and '.join(counts)}", class_="md-hint md-center"),
    )


# --- what can be taken away ----------------------------------------------------------------------------


def exports(view: MovieView) -> Markup:
    """A line per kind of file: what there is of it, and the buttons."""
    files = [(format, EXPORT_FILES[format]) for format in EXPORTS]
    lines = [_export(format, view.export(name), name, view) for format, name in files]
    return el("section", el("h3", "Take away"), el("ul", lines), class_="md-box md-exports")


def _export(format: str, file: ExportFile | None, name: str, view: MovieView) -> Markup:
    label = EXPORT_LABELS[name]
    able = view.num_drawn > 0 or format == "story"
    said = f"{_size(file.num_bytes)}, {ago(file.made_at)}" if file else ""
    act, more = ("make_movie", {}) if format == "mp4" else ("export", {"format": format})
    return el(
        "li",
        el("span", label),
        el("span", said, class_="md-hint"),
        _outdated(file) if file else None,
        el("span", class_="md-spring"),
        button(
            "Again" if file else "Export",
            act,
            kind="md-small md-quiet" if file else "md-small",
            able=able,
            aria_label=f"Export {label}",
            **more,
        ),
        _download(file) if file else None,
    )


def _download(file: ExportFile) -> Markup:
    return el(
        "a",
        icon("download"),
        "Download",
        class_="md-button md-small",
        href=address(file.path, file.version),
        download=file.name,
        aria_label=f"Download {file.label}",
    )


def _outdated(file: ExportFile) -> Markup | None:
    if not file.is_outdated:
        return None
    why = "It shows another script, picture, clip or setting than the story does now; make it anew."
    return el("span", "Outdated", class_="md-badge md-stale", data_tip=why, tabindex=0, role="note")


def _size(num_bytes: int) -> str:
    if num_bytes < 1000:
        return f"{num_bytes} B"
    return f"{num_bytes / 1000:.0f} kB" if num_bytes < 1_000_000 else f"{num_bytes / 1_000_000:.1f} MB"
