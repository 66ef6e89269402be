"""The storyboard's toolbar and its tiles, as markup."""

from __future__ import annotations

from collections import Counter

from app.desk.jobs import Cost, counted
from app.desk.shot_cards import STATES, ShotCard
from app.desk.storyboard import StoryboardView
from app.pages.glossary import SETTINGS, STATES as STATE_TIPS
from app.pages.live import Markup, address, button, el, icon

WORDS = {
    "missing": "Not drawn",
    "preview": "Preview",
    "stale": "Stale",
    "fresh": "Fresh",
    "locked": "Locked",
    "running": "Drawing",
    "waiting": "Queued",
    "failed": "Failed",
}
_BLANK = {"waiting": "Queued", "running": "Drawing", "failed": "Failed"}


def toolbar(view: StoryboardView) -> Markup:
    """Filters by state on the left, what can be drawn on the right."""
    counts = Counter(card.state for card in view.cards)
    filters = [_filter("", "All", len(view.cards))]
    filters += [_filter(state, WORDS[state], counts[state]) for state in STATES if counts[state]]
    return el(
        "div",
        el("div", filters, class_="md-filters", role="group", aria_label="Show only"),
        el("span", class_="md-spring"),
        _act("redraw_stale", "Redraw what is stale", "redo", view.stale, "Nothing is stale")
        if view.stale
        else None,
        _act(
            "preview_arc",
            "Preview the arc",
            "eye",
            view.preview,
            "Every shot has a picture that is up to date",
        ),
        _act(
            "draw_missing",
            "Draw in full",
            "brush",
            view.missing,
            "Every shot is drawn in full",
            kind="md-primary",
        ),
        class_="md-toolbar md-acts",
    )


def tiles(view: StoryboardView, selected: str) -> Markup:
    """All shots. The one that is selected stands out."""
    if not view.cards:
        return el(
            "div",
            icon("film"),
            el("h3", "No shots yet"),
            el("p", "Every row of the script becomes a shot here. Write the first one on the script tab."),
            class_="md-empty",
        )
    found = [tile(card, is_selected=card.row_id == selected) for card in view.cards]
    return el("div", found, class_="md-gallery", data_arrows=True)


def tile(card: ShotCard, *, is_selected: bool) -> Markup:
    """One shot: its picture or an empty place, its number, its state, the beginning of its plot."""
    more = (", a new take waits" if card.num_waiting else "") + (
        ", the last try failed" if card.failure else ""
    )
    said = f"Shot {card.number}, {WORDS[card.state].lower()}{more}: {card.plot or 'no plot yet'}"
    return el(
        "button",
        el("span", picture(card), _over(card), class_="md-picture"),
        el(
            "span",
            el("span", card.number, class_="md-shot-number"),
            badge(card),
            el("span", icon("lock"), class_="md-padlock", title="Locked")
            if card.is_locked and card.state != "locked"
            else None,
            *_marks(card),
            el("span", class_="md-spring"),
            el("span", counted(card.num_takes, "take"), class_="md-hint") if card.num_takes > 1 else None,
            class_="md-shot-head",
        ),
        el(
            "span", card.plot or "No plot yet", class_="md-shot-plot" if card.plot else "md-shot-plot md-none"
        ),
        type="button",
        class_=f"md-shot md-shot-is-{card.state}",
        data_act="open",
        data_row=card.row_id,
        data_tile=card.row_id,
        aria_pressed="true" if is_selected else "false",
        aria_label=said,
        title=card.reason or None,
    )


def _marks(card: ShotCard) -> list[Markup]:
    """What a picture does not show: that the last try failed, that a take waits."""
    found = []
    if card.failure and card.image is not None:
        found.append(el("span", "failed", class_="md-badge md-failed", title=card.failure))
    if card.num_waiting:
        found.append(el("span", "new", class_="md-badge md-locked", title=waiting_words(card.num_waiting)))
    return found


def waiting_words(number: int) -> str:
    """That takes were made beside the one a person chose."""
    waits = "A new take waits" if number == 1 else f"{number} new takes wait"
    return f"{waits} below, because you had chosen the one that is shown. Use the one you like better."


def picture(card: ShotCard, *, lazy: bool = True) -> Markup:
    """The picture that is shown, or a place for it."""
    if card.image is None:
        return el("span", icon("film"), _BLANK.get(card.state, "Not drawn yet"), class_="md-no-picture")
    alt = f"Shot {card.number}: {card.plot}" if card.plot else f"Shot {card.number}"
    return el("img", src=address(card.image), alt=alt, loading="lazy" if lazy else None, draggable="false")


def badge(card: ShotCard, *, explained: bool = False) -> Markup:
    """The state in a word; `explained`, it says what that means when it is hovered or focused."""
    return el(
        "span",
        WORDS[card.state],
        class_=f"md-state md-shot-is-{card.state}",
        title=None if explained else card.reason or None,
        data_tip=STATE_TIPS[card.state] if explained else None,
        tabindex=0 if explained else None,
        role="note" if explained else None,
    )


def _over(card: ShotCard) -> Markup | None:
    """What lies over the picture while the shot is drawn."""
    if card.state != "running":
        return None
    return el(
        "span",
        el("span", style=f"width: {round(100 * card.share)}%"),
        class_="md-bar",
        role="progressbar",
        aria_label=f"Drawing shot {card.number}",
        aria_valuenow=round(100 * card.share),
        aria_valuemin=0,
        aria_valuemax=100,
    )


def _filter(state: str, word: str, number: int) -> Markup:
    return el(
        "button",
        word,
        el("span", number),
        type="button",
        class_=f"md-filter md-shot-is-{state or 'all'}",
        data_filter=state,
        data_tip=STATE_TIPS.get(state),
        aria_pressed="false" if state else "true",
    )


def _act(act: str, label: str, sign: str, cost: Cost | None, nothing: str, kind: str = "") -> Markup:
    if cost is None:
        return button(label, act, kind=kind, sign=sign, able=False, title=nothing)
    words = el("span", f"{counted(cost.num_shots, 'shot')}, {cost.about}", class_="md-cost")
    both = el("span", el("span", label, el("span", ":", class_="md-unseen")), words, class_="md-stacked")
    tip = f"{SETTINGS[act]} {_basis(cost)}"
    return button(both, act, kind=kind, sign=sign, tip=tip)


def _basis(cost: Cost) -> str:
    return (
        "The time is a guess: nothing like it was made here yet."
        if cost.is_guess
        else "The time is that of earlier jobs."
    )
