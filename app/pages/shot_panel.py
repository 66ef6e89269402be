"""The panel of one shot, as markup: its picture, its takes, and what can be asked of it."""

from __future__ import annotations

from app.desk.origins import Origin
from app.desk.shot_cards import ShotCard
from app.desk.storyboard import MAX_TEMPERATURE, LaterChoice, ShotPanel
from app.pages.gallery import badge, picture, waiting_words
from app.pages.glossary import SETTINGS, STATES
from app.pages.live import Markup, address, button, el, icon
from app.pages.take_cards import takes

PICTURES = "image/png,image/jpeg,image/webp"
NEW_TAKE = "md-new-take"


def shot_panel(
    panel: ShotPanel, *, before: str, after: str, origin: Markup, loaded: Origin | None = None
) -> Markup:
    """Everything about one shot; `before` and `after` are its neighbours' rows, "" at an end.

    `origin` is the box of the file that is looked at; one that was `loaded` into the shot fills in the new take.
    """
    card = panel.card
    return el(
        "section",
        _head(card, before, after),
        el(
            "div",
            el("div", picture(card, lazy=False), _progress(card), class_="md-picture md-large"),
            _notice(card),
            takes(panel),
            el("p", card.plot or "This row has no plot yet.", class_="md-plot-whole"),
            el("p", _meta(card), class_="md-hint"),
            _files(card, panel.story_title),
            origin,
            _new_take(panel, loaded),
            class_="md-panel-body",
            data_top=card.row_id,
        ),
        el("div", _draw(card), class_="md-panel-foot"),
        class_="md-panel",
        aria_label=f"Shot {card.number}",
        data_reveal=card.row_id,
    )


def _head(card: ShotCard, before: str, after: str) -> Markup:
    lock = "unlock" if card.is_locked else "lock"
    return el(
        "header",
        el("h2", f"Shot {card.number}"),
        badge(card, explained=True),
        el("span", class_="md-spring"),
        button(
            "Unlock" if card.is_locked else "Lock",
            lock,
            kind="md-quiet",
            sign=lock,
            row=card.row_id,
            tip=STATES["locked"],
            aria_pressed="true" if card.is_locked else "false",
        ),
        el(
            "span",
            _step("Previous shot", "left", before),
            _step("Next shot", "right", after),
            class_="md-group",
        ),
        class_="md-panel-head",
    )


def _step(title: str, sign: str, row: str) -> Markup:
    return button(
        None, "open", kind="md-icon", sign=sign, able=bool(row), row=row, title=title, aria_label=title
    )


def _progress(card: ShotCard) -> Markup | None:
    if card.state not in ("running", "waiting"):
        return None
    words = card.doing or ("Drawing" if card.state == "running" else "Waits in the queue")
    return el(
        "span",
        el("span", words),
        el("span", el("span", style=f"width: {round(100 * card.share)}%"), class_="md-bar"),
        class_="md-now",
        role="status",
    )


def _notice(card: ShotCard) -> Markup:
    """Always one element, so that what follows keeps its place."""
    is_stale = card.is_stale and card.image is not None
    keep = (
        button("Keep as is", "keep", row=card.row_id, title="It then counts as fresh")
        if is_stale and not card.is_locked
        else None
    )
    stale = f"Drawn before {card.reason}." if not card.is_locked else f"Locked; {card.reason}."
    if card.failure and card.state not in ("running", "waiting"):
        said = _sentence(card.failure)
        if card.image is not None:
            said = f"The last try went wrong: {said} {stale if is_stale else 'The picture is as it was.'}"
        return el("div", icon("alert"), el("span", said), keep, class_="md-notice md-failed")
    if card.num_waiting:
        return el("div", icon("eye"), el("span", waiting_words(card.num_waiting)), keep, class_="md-notice")
    if is_stale:
        return el("div", icon("clock"), el("span", stale), keep, class_="md-notice md-stale")
    if card.state == "preview":
        words = "A preview of few steps; “Draw in full” draws the full picture, which takes its place."
        return el("div", icon("eye"), el("span", words), class_="md-notice")
    return el("div", class_="md-notice", hidden=True)


def _meta(card: ShotCard) -> str:
    return " · ".join(filter(None, [card.place, ", ".join(card.names)])) or "No place, nobody in the frame"


def _files(card: ShotCard, title: str) -> Markup:
    name = f"{title} - shot {card.number:02} take {card.take_number}.png"
    download = (
        el("a", icon("download"), "PNG", class_="md-button", href=address(card.image), data_save=name)
        if card.image is not None
        else None
    )
    return el(
        "div",
        download,
        button(
            "Replace",
            "replace",
            sign="upload",
            able=not card.is_locked,
            row=card.row_id,
            upload="",
            accept=PICTURES,
            tip=SETTINGS["replace"],
        ),
        button(
            "Recipe of a file",
            "origin",
            sign="search",
            upload="",
            accept="image/png,video/mp4",
            tip=SETTINGS["origin"],
        ),
        class_="md-actions",
        data_drop=True,
    )


def _new_take(panel: ShotPanel, loaded: Origin | None) -> Markup:
    card = panel.card
    of = card.row_id if loaded is None else f"{card.row_id} {loaded.file_name} {loaded.seed}"
    return el(
        "form",
        el("h3", "New take"),
        _variation(panel.seed, loaded),
        _temperature(1.0 if loaded is None or loaded.temperature is None else loaded.temperature),
        el(
            "fieldset",
            el("legend", "Later shots", class_="md-label", data_tip=SETTINGS["later"], tabindex=0),
            [_later(choice) for choice in panel.choices],
        ),
        id=NEW_TAKE,
        class_="md-new-take",
        data_of=of,  # what is filled in stays until this is another
    )


def _variation(seed: int, loaded: Origin | None) -> Markup:
    """Which seed, and a field for one of the person's own."""
    chosen = "random" if loaded is None else "number"
    choices = (("random", "New variation"), ("same", "Same seed"), ("number", "This seed"))
    field = el(
        "input",
        type="text",
        inputmode="numeric",
        name="number",
        data_fill=seed if loaded is None or loaded.seed is None else loaded.seed,
        class_="md-field",
        maxlength=19,
        autocomplete="off",
    )
    return el(
        "fieldset",
        el("legend", "Variation", class_="md-label"),
        el(
            "div",
            [_radio("seed", value, label, value == chosen) for value, label in choices],
            class_="md-segments",
            data_tip=SETTINGS["variation"],
        ),
        el(
            "label",
            el("span", "Seed", class_="md-label"),
            field,
            data_when="seed=number",
            hidden=True,
            data_tip=SETTINGS["seed"],
            class_="md-seed",
        ),
    )


def _draw(card: ShotCard) -> Markup:
    """Below what scrolls, hence outside the form that it sends."""
    return button(
        "Locked" if card.is_locked else "Draw a new take",
        "new_take",
        kind="md-primary md-wide",
        sign="lock" if card.is_locked else "brush",
        able=not card.is_locked,
        row=card.row_id,
        form=NEW_TAKE,
    )


def _radio(name: str, value: str, label: str, is_first: bool) -> Markup:
    return el("label", el("input", type="radio", name=name, value=value, checked=is_first), el("span", label))


def _temperature(value: float) -> Markup:
    return el(
        "div",
        el(
            "div",
            el("label", "Faithful", for_="md-temperature", class_="md-label"),
            el(
                "output",
                "natural",
                for_="md-temperature",
                data_words="most faithful|faithful|natural|surprising|most surprising",
            ),
            el("span", "Surprising", class_="md-label", aria_hidden="true"),
            class_="md-ends",
        ),
        el(
            "input",
            type="range",
            id="md-temperature",
            name="temperature",
            min=0,
            max=MAX_TEMPERATURE,
            step=0.1,
            value=f"{value:g}",
            aria_label="From faithful to surprising",
        ),
        class_="md-slider",
        data_tip=SETTINGS["surprise"],
    )


def _later(choice: LaterChoice) -> Markup:
    changes_none = choice.later != "keep" and len(choice.rows) == 1
    return el(
        "label",
        el(
            "input",
            type="radio",
            name="later",
            value=choice.later,
            checked=choice.later == "keep",
            disabled=changes_none,
        ),
        el(
            "span",
            el("strong", choice.label),
            el("span", "there is no later shot to change" if changes_none else choice.sentence),
        ),
        class_="md-choice",
    )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text[-1:] in ".!?" else ".") if text else ""
