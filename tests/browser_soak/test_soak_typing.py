"""Every text field of the studio, typed into at any speed while jobs update the page: nothing typed is lost."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import soak
from colour_work import draw_take, working
from playwright.sync_api import Locator, Page, expect
from studio_page import TABS

from app.desk import Desk
from app.queue.jobs import Drawing
from moviedreamer_core.workspace import Draft, StoryFolder

EDITS, EDITS_A_VISIT = 500, 6
WORDS = "abcdefghijklmnopqrstuvwxyz ,.'é"
SLOWEST_KEY_MS, PAUSE_MS = 60, 550  # the pause is longer than the editor waits before it saves
TAKE_SECONDS_PER_STEP = 0.05
MOST_LOOKS = 3000
TEXT_FIELDS = "input:not([type]), input[type=text], input[type=search], input[type=number], textarea"


@dataclass
class Typist:
    """Types like somebody in a hurry, and knows what the fields then have to say."""

    desk: Desk
    story: StoryFolder
    page: Page
    chance: random.Random
    num_edits: int = 0
    num_characters: int = 0
    typed_into: set[str] = field(default_factory=set)

    @property
    def draft(self) -> Draft:
        return self.story.script.head().draft

    def word(self) -> str:
        return "".join(self.chance.choices(WORDS, k=self.chance.randint(3, 12))).strip() or "x"

    def number(self, digits: int) -> str:
        return str(self.chance.randint(1, 10**digits - 1))

    def inserts(self, kind: str, box: Locator, text: str) -> str:
        """Type `text` somewhere into the box; what it says then."""
        before = box.input_value()
        box.click()
        at = self.chance.choice((len(before), len(before), self.chance.randint(0, len(before))))
        box.evaluate("(node, at) => node.setSelectionRange(at, at)", at)
        self._keys(kind, text)
        return before[:at] + text + before[at:]

    def replaces(self, kind: str, box: Locator, text: str) -> str:
        """Type `text` in place of what the box says."""
        box.click()
        self.page.keyboard.press("Control+a")
        self._keys(kind, text)
        return text

    def _keys(self, kind: str, text: str) -> None:
        """At 0 to 60 ms a key, now and then with a pause in the middle in which the editor saves."""
        pace = self.chance.randint(0, SLOWEST_KEY_MS)
        pause_at = self.chance.randint(1, len(text)) if self.chance.random() < 0.2 else len(text)
        self.page.keyboard.type(text[:pause_at], delay=pace)
        if text[pause_at:]:
            self.page.wait_for_timeout(PAUSE_MS)
            self.page.keyboard.type(text[pause_at:], delay=pace)
        self.num_edits += 1
        self.num_characters += len(text)
        self.typed_into.add(kind)


def keep_busy(desk: Desk, story: StoryFolder, chance: random.Random) -> None:
    """The queue never runs dry, and another tab locks and ticks what it likes."""
    rows = [row.id for row in story.script.head().draft.rows]
    desk.script.lock(story.id, rows, locked=False)
    desk.movie.tick(story.id, [chance.choice(rows)], animate=bool(chance.getrandbits(1)))
    if len(desk.jobs.active(story.id)) < 2:
        desk.storyboard.new_take(story.id, chance.choice(rows))
        desk.movie.export(story.id, "contact-sheet")


# --- a visit to each tab: types, then compares with what is saved on disk ------------------------------


def script_visit(typist: Typist) -> None:
    page, chance = typist.page, typist.chance
    expected: dict[tuple[str, str], str] = {}
    for _ in range(EDITS_A_VISIT):
        row = chance.choice(typist.draft.rows)
        page.locator(f"#md-{row.id}").click()
        name = chance.choice(("plot", "elements", "does", "seconds", "seed", "style", "story-seed", "search"))
        if name == "search":
            words = typist.replaces("search", page.locator("#md-search"), typist.word())
            expect(page.locator("#md-search")).to_have_value(words)
            page.locator("#md-search").fill("")
        elif name == "does":
            if not page.locator(".md-person").count():
                page.locator(".md-chip").first.click()
            expected[row.id, name] = typist.inserts(
                name, page.locator(".md-person input").first, typist.word()
            )
        elif name in ("seed", "story-seed"):
            owner = row.id if name == "seed" else ""
            expected[owner, name] = typist.replaces(name, page.locator(f"#md-{name}"), typist.number(15))
        elif name == "seconds":
            seconds = f"{chance.randint(1, 9)}.{chance.randint(1, 9)}"
            expected[row.id, name] = typist.replaces(name, page.locator("#md-seconds"), seconds)
        else:
            owner = "" if name == "style" else row.id
            expected[owner, name] = typist.inserts(name, page.locator(f"#md-{name}"), typist.word())
    expect(page.locator(".md-script .md-saved")).to_have_text("Saved")
    draft = typist.draft
    assert {key: saved_in_script(draft, *key) for key in expected} == expected


def saved_in_script(draft: Draft, row_id: str, name: str) -> str:
    if not row_id:
        return draft.style if name == "style" else str(draft.seed)
    row = draft.row(row_id)
    return {
        "plot": row.plot,
        "elements": "\n".join(row.scene_elements),
        "does": row.characters[0].description if row.characters else "",
        "seconds": f"{row.seconds:g}",
        "seed": str(row.seed),
    }[name]


def several_rows_visit(typist: Typist) -> None:
    page = typist.page
    row = typist.draft.rows[-1]
    page.locator(f"#md-{row.id}").click(modifiers=["Control"])
    page.get_by_role("button", name="Add a scene element").click()
    line = typist.replaces("new element", page.locator("#md-asked"), typist.word())
    page.keyboard.press("Enter")
    expect(page.locator(".md-veil")).to_have_count(0)
    assert line in typist.draft.row(row.id).scene_elements
    page.get_by_role("button", name="Replace one").click()
    page.locator("#md-old-element").select_option(line)
    other = typist.replaces("other element", page.locator("#md-new-element"), typist.word())
    page.keyboard.press("Enter")
    expect(page.locator(".md-veil")).to_have_count(0)
    assert other in typist.draft.row(row.id).scene_elements
    page.get_by_role("button", name="Done", exact=True).click()


def paste_rows_visit(typist: Typist) -> None:
    page = typist.page
    page.locator(".md-script").get_by_role("button", name="Paste a story").click()
    text = typist.replaces("pasted rows", page.locator("#md-rows-text"), "A gull lands. It cries.")
    expect(page.locator("#md-rows-text")).to_have_value(text)
    page.get_by_role("button", name="Add the shots").click()
    expect(page.locator(".md-veil")).to_have_count(0)
    added = typist.draft.rows[-2:]
    assert [row.plot for row in added] == ["A gull lands.", "It cries."]
    typist.desk.script.delete(typist.story.id, [row.id for row in added])


def cast_visit(typist: Typist) -> None:
    page, chance = typist.page, typist.chance
    expected: dict[tuple[str, str], str] = {}
    for _ in range(EDITS_A_VISIT):
        member = chance.choice(typist.draft.cast)
        card = page.locator(f"#md-{member.id}")
        if chance.random() < 0.6:
            said = typist.inserts("description", card.locator("textarea"), typist.word())
            expected[member.id, "description"] = said
        else:
            name = typist.word().replace(" ", "").replace(",", "")
            expected[member.id, "name"] = typist.replaces("name", card.locator(".md-name"), f"N{name}")
    page.keyboard.press("Tab")
    expect(page.locator(".md-cast .md-saved")).to_have_text("Saved")
    assert {key: getattr(typist.draft.member(key[0]), key[1]) for key in expected} == expected


def storyboard_visit(typist: Typist) -> None:
    """A seed for a new take: what is typed is what the queued job says."""
    page = typist.page
    row = typist.chance.choice(typist.draft.rows)
    page.locator(f'#md-storyboard [data-tile="{row.id}"]').click()
    panel = page.locator(".md-panel")
    expect(panel).to_have_attribute("data-reveal", row.id)
    panel.get_by_label("This seed").check()
    seed = typist.replaces("seed of a take", panel.get_by_label("Seed", exact=True), typist.number(15))
    panel.get_by_role("button", name="Draw a new take").click()
    expect(page.locator(".md-toast.md-failed")).to_have_count(0)
    for _ in range(MOST_LOOKS):
        queue = typist.desk.queue.snapshot()
        if int(seed) in {getattr(job.job, "seed", None) for job in queue.jobs}:
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"the seed {seed} was typed, and no job has it")


def movie_visit(typist: Typist) -> None:
    page, chance = typist.page, typist.chance
    for _ in range(2):
        number = chance.randint(1, len(typist.draft.rows))
        box = page.get_by_label(f"Seconds of shot {number}", exact=True)
        typed = typist.replaces("clip seconds", box, f"{chance.randint(1, 9)}.{chance.randint(1, 9)}")
        page.keyboard.press("Enter")
        expect(box).to_have_attribute("value", typed)
        assert f"{typist.draft.rows[number - 1].seconds:g}" == typed


def stories_visit(typist: Typist) -> None:
    page = typist.page
    page.locator(".md-story.md-open .md-button").last.click()
    page.get_by_role("menuitem", name="Rename").click()
    title = typist.replaces("story name", page.locator("#md-asked"), typist.word())
    page.keyboard.press("Enter")
    expect(page.locator(".md-veil")).to_have_count(0)
    assert typist.draft.title == title
    page.locator("#md-paste-story").click()
    name = typist.replaces("pasted name", page.locator("#md-paste-title"), f"Q {typist.word()}")
    text = typist.replaces("pasted text", page.locator("#md-paste-text"), "Ben rows. Ben sings.")
    expect(page.locator("#md-paste-title")).to_have_value(name)
    expect(page.locator("#md-paste-text")).to_have_value(text)
    page.keyboard.press("Escape")
    expect(page.locator(".md-veil")).to_have_count(0)


VISITS: tuple[tuple[str, Callable[[Typist], None], int], ...] = (
    ("Script", script_visit, 6),
    ("Cast", cast_visit, 4),
    ("Storyboard", storyboard_visit, 2),
    ("Movie", movie_visit, 2),
    ("Script", several_rows_visit, 1),
    ("Script", paste_rows_visit, 1),
    ("Stories", stories_visit, 1),
)


def visits(chance: random.Random) -> Iterator[tuple[str, Callable[[Typist], None]]]:
    """Each kind of visit once, the rare ones first; then for ever, the heavier the more often."""
    yield from ((tab, visit) for tab, visit, _ in VISITS)
    while True:
        tab, visit, _ = chance.choices(VISITS, weights=[weight for *_, weight in VISITS])[0]
        yield tab, visit


def test_what_is_typed_into_any_field_is_what_is_saved(desk, story, address, open_at):
    tab = open_at(address)
    typist = Typist(desk, story, tab.page, random.Random(11))
    for row in story.script.head().draft.rows:
        draw_take(story, row.id, Drawing(steps=2, width=48, height=32))
    with working(desk, step_seconds=TAKE_SECONDS_PER_STEP):
        for where, visit in visits(typist.chance):
            keep_busy(desk, story, typist.chance)
            tab.go(where)
            visit(typist)
            if typist.num_edits >= soak.count(EDITS):
                break
    assert tab.errors == []
    assert tab.dialogs == []
    assert typist.num_edits >= soak.count(EDITS)
    soak.note(
        "typed at 0 to 60 ms per key while jobs update the page, then compared with what is saved",
        edits=typist.num_edits,
        characters=typist.num_characters,
        fields=len(typist.typed_into),
        lost=0,
    )


def test_what_is_typed_while_an_earlier_act_is_answered_counts_too(
    desk, story, address, open_at, monkeypatch
):
    tick = desk.movie.tick

    def slow_tick(*asked: object, **named: object) -> None:
        time.sleep(2)
        tick(*asked, **named)

    monkeypatch.setattr(desk.movie, "tick", slow_tick)
    tab = open_at(address)
    page = tab.go("Movie")
    page.get_by_label("Animate shot 1", exact=True).click()
    for number in range(1, 5):
        page.get_by_label(f"Seconds of shot {number}", exact=True).fill(f"{number}.5")
        page.keyboard.press("Enter")
    for number in range(1, 5):
        seconds = page.get_by_label(f"Seconds of shot {number}", exact=True)
        expect(seconds).to_have_attribute("value", f"{number}.5")
    view = story.view()
    assert [row.seconds for row in view.revision.draft.rows] == [1.5, 2.5, 3.5, 4.5]
    assert view.shots[0].decisions.animate
    assert tab.errors == []


def test_no_text_field_is_left_out_above(desk, story, address, open_at):
    """The fields that stand on the tabs; those of dialogs are opened by the visits."""
    known = {
        "md-search", "md-plot", "md-elements", "md-person", "md-seconds", "md-seed", "md-style", "md-story-seed",
        "md-name", "md-card-fields", "number", "seconds",
    }  # fmt: skip
    page = open_at(address).page
    page.locator("#md-storyboard").get_by_label("This seed").check()
    found = set()
    for name in TABS:
        page.get_by_role("tab", name=name, exact=True).click()
        page.wait_for_timeout(800)
        found |= {
            frozenset(words)
            for words in page.locator(f":is({TEXT_FIELDS}):visible").evaluate_all(
                "nodes => nodes.map(node => [node.id, node.name, node.dataset.edit, ...node.classList,"
                " ...node.parentElement.classList].filter(Boolean))"
            )
        }
    assert len(found) >= 10
    assert [sorted(words) for words in found if not words & known] == []
