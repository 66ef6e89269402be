"""The takes of one shot, as markup: each with what can be decided of it and what it was made from."""

from __future__ import annotations

from typing import Any

from app.desk.shot_cards import ShotCard, TakeCard
from app.desk.storyboard import ShotPanel
from app.pages.glossary import SETTINGS
from app.pages.live import Markup, address, button, el


def takes(panel: ShotPanel) -> Markup:
    """All takes side by side, the newest first; nothing to see without any."""
    if not panel.takes:
        return el("div", class_="md-takes", hidden=True)
    follow = el(
        "label",
        el("input", type="checkbox", name="follow"),
        el("span", "Later shots count as stale when I choose another"),
        class_="md-check",
    )
    return el(
        "form",
        el("h3", f"Takes ({len(panel.takes)})", data_tip=SETTINGS["take"], tabindex=0),
        follow if len(panel.takes) > 1 else None,
        el("div", [_take(take, panel.card) for take in panel.takes], class_="md-take-grid"),
        class_="md-takes",
    )


def _take(take: TakeCard, card: ShotCard) -> Markup:
    kind = "Uploaded" if take.is_uploaded else "Preview" if take.is_preview else f"Take {take.number}"
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
        el(
            "div",
            el("strong", kind),
            el("span", "shown", class_="md-badge md-fresh") if take.is_shown else None,
            el("span", "new", class_="md-badge md-locked") if take.is_new else None,
            el("span", "rejected", class_="md-badge") if take.is_rejected else None,
            class_="md-along",
        ),
        el("div", _choices(take, card), class_="md-along"),
        el("details", el("summary", "Recipe"), pairs(take.recipe), data_key=f"{card.row_id}/{take.id}"),
        class_=f"md-take {state}".strip(),
    )


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
