// What the weights can draw, as words that one click puts where they belong. The island that uses this defines
// `insertWord(phrase, group)`; the words come from the desk at the first opening.
const wordsPanel = h("section", { class: "md-words-panel", hidden: true, "aria-label": "What can be drawn" });
const wordsButton = button("What can be drawn", toggleWords, { sign: "words", id: `md-words-${OUTBOX}`, pressed: "false" });
wordsButton.setAttribute("aria-expanded", "false");
let wordGroups = [];
let lastField = null; // the text field that a word goes to
root.addEventListener("focusin", (event) => { if (event.target.matches("textarea, input[type=text], .md-person input")) lastField = event.target; });

async function toggleWords() {
  const isOpen = wordsPanel.hidden;
  if (isOpen && !wordsPanel.childElementCount) {
    const groups = await ask("drawable");
    if (!groups) return;
    wordGroups = groups;
    wordsPanel.replaceChildren(...wordsIn(groups));
  }
  wordsPanel.hidden = !isOpen;
  wordsButton.setAttribute("aria-pressed", String(isOpen));
  wordsButton.setAttribute("aria-expanded", String(isOpen));
}
function wordsIn(groups) {
  const head = h("header", {}, h("h3", {}, "What can be drawn"), h("span", { class: "md-hint" }, groups.length ? OUTBOX === "cast" ? "A click writes it where the cursor was, in the description of the looks." : "A click writes it into the shot." : "These weights read any word; nothing is ruled out."),
    h("span", { class: "md-spring" }), button("", toggleWords, { kind: "md-quiet", sign: "close", title: "Close" }));
  return [head, ...groups.map((group) => h("div", { class: "md-word-group" }, h("h4", {}, group.title),
    h("div", {}, ...group.phrases.map((phrase) => h("button", { type: "button", class: "md-word",
      onpointerdown: (event) => event.preventDefault(), // the field keeps its focus and its caret
      onclick: () => insertWord(phrase, group) }, phrase)))))];
}

// The groups that a scene element speaks of: it has the last word of one of their phrases, such as beach, night or shot.
function kindsOf(line) {
  const said = new Set(line.toLowerCase().split(/[^a-z-]+/));
  return wordGroups.filter((group) => group.field === "elements" && group.phrases.some((one) => said.has(one.toLowerCase().split(" ").pop()))).map((group) => group.title);
}

// A phrase among the others of its group: it takes the place of one of them, else it is added.
function withPhrase(text, phrase, group, { first = "", joint = ", ", stop = "" } = {}) {
  const plain = text.trim(), escaped = (one) => one.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const other = [...group.phrases].sort((one, two) => two.length - one.length).find((one) => new RegExp(`\\b${escaped(one)}\\b`, "i").test(plain));
  if (other) return plain.replace(new RegExp(`\\b${escaped(other)}\\b`, "i"), phrase);
  if (!plain) return `${first}${phrase}${stop}`;
  return `${plain.replace(/[.!?,;\s]+$/, "")}${joint}${phrase}${stop}`;
}
function atCaret(field, phrase) {
  const from = field.selectionStart ?? field.value.length, to = field.selectionEnd ?? from;
  const before = field.value.slice(0, from), after = field.value.slice(to);
  const text = `${before && !/\s$/.test(before) ? " " : ""}${phrase}${after && !/^[\s.,;!?]/.test(after) ? " " : ""}`;
  typeInto(field, before + text + after);
  field.setSelectionRange((before + text).length, (before + text).length);
}
// As if it had been typed.
function typeInto(field, text) {
  newStep();
  field.value = text;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}
