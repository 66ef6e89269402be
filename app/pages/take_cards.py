"""The takes of one shot, as markup: each with what can be decided of it and what it was made from."""

from __future__ import annotations

from typing import Any

from app.desk.shot_cards import ShotCard, TakeCard
from app.desk.storyboard import ShotPanel
from app.pages.glossary import SETTINGS
from app.pages.live import Markup, address, button, el


def takes(panel: ShotPanel) -> Markup:
    """All takes side by side, the newest first; a line for the only one, nothing without any."""
    if not panel.takes:
        return el("div", class_="md-takes", hidden=True)
    if len(panel.takes) == 1:
        return el("form", _only(panel.takes[0], panel.card), class_="md-takes")
    follow = el(
        "label",
        el("input", type="checkbox", name="follow"),
        el("span", "Later shots count as stale when I choose another"),
        class_="md-check",
    )
    return el(
        "form",
        el("h3", f"Takes ({len(panel.takes)})", data_tip=SETTINGS["take"], tabindex=0),
        follow,
        el("div", [_take(take, panel.card) for take in panel.takes], class_="md-take-grid"),
        class_="md-takes",
    )


def _take(take: TakeCard, card: ShotCard) -> Markup:
    state = "md-shown" if take.is_shown else "md-rejected" if take.is_rejected else ""
    return el(
        "div",
        el(
            "div",
            el(
                "img",
                src=address(take.image),
                alt=f"Take {take.number} of shot {card.number}",
                loading="lazy",
                draggable="false",
            ),
            class_="md-picture",
        ),
        el("div", _kind(take), class_="md-along"),
        el("div", _choices(take, card), class_="md-along"),
        _recipe(take, card),
        class_=f"md-take {state}".strip(),
    )


def _only(take: TakeCard, card: ShotCard) -> Markup:
    """The one take there is, without its picture where that is the shot's."""
    if not take.is_shown:
        return el("div", _take(take, card), class_="md-take-grid")
    return el(
        "div",
        el("div", _kind(take), el("span", class_="md-spring"), _choices(take, card), class_="md-along"),
        _recipe(take, card),
        class_="md-take md-take-only",
    )


def _kind(take: TakeCard) -> list[Markup | None]:
    kind = "Uploaded" if take.is_uploaded else "Preview" if take.is_preview else f"Take {take.number}"
    return [
        el("strong", kind, data_tip=SETTINGS["take"], tabindex=0),
        el("span", "shown", class_="md-badge md-fresh") if take.is_shown else None,
        el("span", "new", class_="md-badge md-locked") if take.is_new else None,
        el("span", "rejected", class_="md-badge") if take.is_rejected else None,
    ]


def _recipe(take: TakeCard, card: ShotCard) -> Markup:
    return el("details", el("summary", "Recipe"), pairs(take.recipe), data_key=f"{card.row_id}/{take.id}")


def _choices(take: TakeCard, card: ShotCard) -> list[Markup]:
    about: dict[str, Any] = {"row": card.row_id, "take": take.id, "able": not card.is_locked}
    if take.is_rejected:
        return [button("Take back", "accept", kind="md-small", **about)]
    use = button(
        "Use this", "choose", kind="md-small", sign="check", aria_label=f"Use take {take.number}", **about
    )
    drop = button(
        "Reject", "reject", kind="md-small md-quiet", aria_label=f"Reject take {take.number}", **about
    )
    return [drop] if take.is_shown else [use, drop]


def pairs(of: tuple[tuple[str, str], ...]) -> Markup:
    """Names and their values, such as a recipe."""
    return el("dl", [(el("dt", name), el("dd", value)) for name, value in of], class_="md-pairs")
