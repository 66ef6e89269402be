// One form for the selected row. Its nodes stay; a field is only written to when nobody has typed into it.
let step = ""; // edits of one visit to a field are undone together
const newStep = () => { step = `${Date.now()}-${Math.random().toString(36).slice(2, 8)}`; };

const plot = area("plot", 2), elements = area("elements", 3), style = area("style", 1);
const people = h("div", { class: "md-people" }), addPeople = h("div", { class: "md-add-people" });
const seconds = h("input", { class: "md-field", id: "md-seconds", inputmode: "decimal", autocomplete: "off" });
const seed = h("input", { class: "md-field", id: "md-seed", inputmode: "numeric", autocomplete: "off" });
const storySeed = h("input", { class: "md-field", id: "md-story-seed", inputmode: "numeric", autocomplete: "off" });
const heading = h("h2", {}), trouble = h("div", { class: "md-trouble", hidden: true, role: "alert" });
const notes = { plot: note(), elements: note(), people: note(), style: note() };
const lock = button("Lock", lockRow, { sign: "unlock", pressed: "false", id: "md-lock" });
const moves = h("span", { class: "md-group" },
  button("", () => moveRow(-1), { sign: "up", title: "Move up (Alt+↑ in the list)" }),
  button("", () => moveRow(1), { sign: "down", title: "Move down (Alt+↓ in the list)" }));
const more = button("", (event) => rowMenu(event.currentTarget), { sign: "more", title: "More for this shot", id: "md-row-menu" });
const form = h("section", { class: "md-form-pane", "aria-label": "The selected shot" },
  h("header", {}, heading, h("span", { class: "md-spring" }), lock, moves, more),
  trouble,
  field("md-plot", "Plot", plot, notes.plot),
  field("md-elements", "Scene elements, one per line", elements, notes.elements),
  h("div", {}, h("span", { class: "md-label" }, "In the frame"), people, addPeople, notes.people),
  h("div", { class: "md-pair" }, field("md-seconds", "Seconds", seconds), field("md-seed", "Seed of its own", seed)),
  h("div", { class: "md-every" }, h("h3", {}, "Every shot"),
    h("div", { class: "md-pair md-wide-first" }, field("md-style", "Style", style, notes.style), field("md-story-seed", "Seed", storySeed))));

function lockRow() {
  const row = rowOf(selected);
  if (row) act("lock_rows", { rows: [row.id], locked: !row.locked });
}
function area(name, rows) { return h("textarea", { class: "md-field", id: `md-${name}`, rows, spellcheck: "true" }); }
function note() { return h("ul", { class: "md-notes" }); }
function field(id, label, ...nodes) { return h("div", {}, h("label", { class: "md-label", for: id }, label), ...nodes); }
const rowOf = (id) => model.rows.find((row) => row.id === id);
const linesOf = (text) => (text === "" ? [] : text.split("\n"));

// What a field says, and how it is written into it.
const FIELDS = [
  [plot, "plot", () => plot.value, (value) => value],
  [elements, "scene_elements", () => linesOf(elements.value), (value) => value.join("\n")],
  [seconds, "seconds", readSeconds, (value) => String(value)],
  [seed, "seed", () => seed.value, (value) => value],
];
function readSeconds() {
  const number = Number(seconds.value.replace(",", "."));
  return seconds.value.trim() && Number.isFinite(number) ? number : seconds.value;
}
for (const [node, name, read] of FIELDS) typesInto(node, () => { if (selected) { typed(selected, name, read(), step); drawRow(selected); } });
for (const [node, name] of [[style, "style"], [storySeed, "seed"]]) typesInto(node, () => typed("", name, node.value, step));
function typesInto(node, then) {
  node.addEventListener("focus", newStep);
  node.addEventListener("input", () => { then(); fit(node); });
  node.addEventListener("blur", () => saveAll());
}
function fit(node) { if (node.tagName === "TEXTAREA") { node.style.height = "auto"; node.style.height = `${node.scrollHeight + 2}px`; } }
plot.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  insertRow("below");
});

function write(node, text) {
  if (node.value === text) return;
  const [from, to] = [node.selectionStart, node.selectionEnd], isHere = document.activeElement === node;
  node.value = text;
  if (isHere) node.setSelectionRange(Math.min(from, text.length), Math.min(to, text.length));
  fit(node);
}

let formRow = null;
function drawForm() {
  const row = rowOf(selected);
  form.classList.toggle("md-unused", !row);
  write(style, String(valueOf("", "style") ?? ""));
  write(storySeed, String(valueOf("", "seed") ?? ""));
  if (!row) { setText(heading, "No shot"); formRow = null; return; }
  setText(heading, `Shot ${model.rows.indexOf(row) + 1}`);
  for (const [node, name, read, text] of FIELDS) {
    const entry = entryOf(row.id), value = valueOf(row.id, name);
    const isTyped = entry && name in entry.fields && formRow === row.id;
    const isSame = formRow === row.id && same(read(), value); // "3." is 3, and "3.5" in a moment
    if (!isTyped && !isSame) write(node, text(value));
  }
  drawPeople(row, formRow !== row.id);
  lock.setAttribute("aria-pressed", String(row.locked));
  if (lock.dataset.locked !== String(row.locked)) {
    lock.dataset.locked = String(row.locked);
    lock.replaceChildren(icon(row.locked ? "lock" : "unlock"), row.locked ? "Locked" : "Lock");
  }
  const warnings = [...row.warnings, ...(model.style_warnings || []).map((text) => ({ field: "style", text }))];
  for (const [name, node] of Object.entries(notes)) drawNotes(node, warnings.filter((one) => one.field === name));
  formRow = row.id;
  drawTrouble();
  [plot, elements, style].forEach(fit);
}

function drawNotes(node, warnings) {
  const state = JSON.stringify(warnings);
  if (node.state === state) return;
  node.state = state;
  const line = (one) => h("li", { class: one.blocks ? "md-blocks" : "" }, icon("alert"), h("span", {}, one.text));
  node.replaceChildren(...warnings.map(line));
}

// --- people in the frame ---------------------------------------------------------------------------------
function readPeople() { return [...people.children].map((node) => ({ name: node.who.value, description: node.does.value })); }
function typedPeople() { typed(selected, "characters", readPeople(), step); drawRow(selected); drawAddPeople(); }

function drawPeople(row, isOther) {
  const wanted = valueOf(row.id, "characters");
  if (!isOther && same(readPeople(), wanted) && people.cast === model.cast.join("\n")) return;
  if (!isOther && people.contains(document.activeElement) && entryOf(row.id)?.fields.characters) return;
  while (people.children.length > wanted.length) people.lastChild.remove();
  while (people.children.length < wanted.length) people.append(personNode());
  wanted.forEach((person, index) => {
    const node = people.children[index];
    offer(node.who, person.name);
    if (node.does.value !== person.description) node.does.value = person.description;
    node.does.setAttribute("aria-label", `What ${person.name || "this person"} does`);
  });
  people.cast = model.cast.join("\n");
  drawAddPeople();
}
function personNode() {
  const changed = () => { newStep(); typedPeople(); saveAll(); };
  const who = h("select", { class: "md-field", "aria-label": "Who", onchange: changed });
  const does = h("input", { class: "md-field", type: "text", autocomplete: "off" });
  const leave = button("", () => { node.remove(); changed(); }, { kind: "md-quiet", sign: "close", title: "Leave out of the frame" });
  const node = h("div", { class: "md-person" }, who, does, leave);
  typesInto(does, typedPeople);
  return Object.assign(node, { who, does });
}
function offer(select, name) {
  const names = model.cast.includes(name) ? model.cast : [name, ...model.cast];
  if (select.names !== names.join("\n")) {
    const said = (one) => (model.cast.includes(one) ? one : `${one || "Nobody"} (not in the cast)`);
    select.replaceChildren(...names.map((one) => h("option", { value: one }, said(one))));
    select.names = names.join("\n");
  }
  if (select.value !== name) select.value = name;
}
function drawAddPeople() {
  const present = new Set(readPeople().map((one) => one.name));
  const absent = model.cast.filter((name) => !present.has(name));
  const state = `${absent.join("\n")}/${model.cast.length}`;
  if (addPeople.state === state) return;
  addPeople.state = state;
  const chip = (name) => h("button", { type: "button", class: "md-chip", onclick: () => addPerson(name) }, icon("plus"), name);
  addPeople.replaceChildren(...absent.slice(0, 12).map(chip));
  const hint = "Add characters in the Cast tab to put them in the frame.";
  if (!model.cast.length) addPeople.replaceChildren(h("span", { class: "md-hint" }, hint));
}
function addPerson(name) {
  if (!selected) return;
  newStep();
  const node = personNode();
  people.append(node);
  offer(node.who, name);
  typedPeople();
  node.does.focus();
}

// --- words by click -------------------------------------------------------------------------------------------
function insertWord(phrase, group) {
  if (!rowOf(selected)) return;
  if (group.field === "elements") {
    const lines = linesOf(elements.value).filter((line) => line.trim());
    const at = lines.findIndex((line) => kindsOf(line).join() === group.title); // no second place, no second weather
    at < 0 ? lines.push(phrase) : lines.splice(at, 1, phrase);
    typeInto(elements, lines.join("\n"));
  } else if (group.field === "people") {
    const node = [...people.children].find((one) => one.contains(lastField)) || people.children[0];
    if (!node) { toast("Nobody is in the frame yet; add somebody there first."); return; }
    typeInto(node.does, withPhrase(node.does.value, phrase, group, { first: `${node.who.value} `, joint: " and ", stop: "." }));
  } else {
    const isText = form.contains(lastField) && lastField.isConnected && lastField.matches("textarea, .md-person input");
    atCaret(isText ? lastField : plot, phrase);
  }
}

// --- a save that was refused -------------------------------------------------------------------------------
function drawTrouble() {
  const entry = [entryOf(selected), entryOf("")].find((one) => one && (one.stale || one.problem));
  const state = entry ? JSON.stringify([entry.row, entry.stale, entry.problem, entry.fields]) : "";
  if (trouble.state === state) return;
  trouble.state = state;
  trouble.hidden = !entry;
  if (!entry) { trouble.replaceChildren(); return; }
  if (!entry.stale) {
    const back = isGone(entry) ? [button("Put it back as a new shot", () => putBack(entry))] : [];
    trouble.replaceChildren(h("p", {}, h("strong", {}, "Not saved. "), entry.problem), ...back);
    return;
  }
  const said = Object.keys(entry.fields).map((name) => h("blockquote", {}, saidOf(entry.stale[name])));
  trouble.replaceChildren(h("p", {}, h("strong", {}, "This was changed in another tab. "), "There it says:"), ...said,
    h("div", {}, button("Keep mine", () => keepMine(entry), { kind: "md-primary", id: "md-keep-mine" }),
      button("Take theirs", () => takeTheirs(entry), { id: "md-take-theirs" })));
}
function saidOf(value) {
  if (!Array.isArray(value)) return String(value ?? "") || "(nothing)";
  return value.map((one) => (typeof one === "string" ? one : [one.name, one.description].filter(Boolean).join(": "))).join("\n") || "(nothing)";
}
const isGone = (entry) => entry.row && !rowOf(entry.row);
