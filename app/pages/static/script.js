// The Script tab: rows beside a form. The parts are in outbox, script_rows and script_form.
let model = { story: "", revision: 0, rows: [], cast: [], style: "", seed: "0", undo: false, redo: false, complete: true };
let selected = null;
const ownSelections = []; // [row, when], to tell an echo of this island from a row that another tab opens

const search = h("input", { type: "search", class: "md-field", id: "md-search", "aria-label": "Search the shots", placeholder: "Search", oninput: () => drawRows() });
const savedNote = h("span", { class: "md-saved", role: "status" }, "Saved");
const undo = button("", () => walk("undo"), { sign: "undo", title: "Undo (Ctrl+Z outside a field)", id: "md-undo" });
const redo = button("", () => walk("redo"), { sign: "redo", title: "Redo (Ctrl+Shift+Z outside a field)", id: "md-redo" });
const empty = h("div", { class: "md-empty", hidden: true }, h("h3", {}, "No shots yet"), h("p", {}, "One row is one shot: what happens, where and when, and who does what. Write the first one, or paste a story: each sentence becomes a shot."),
  h("div", {}, button("Write the first shot", () => insertRow("below"), { kind: "md-primary", sign: "plus" }), " ", button("Paste a story", pasteRows)));
const panes = h("div", { class: "md-panes md-fills" }, h("div", { class: "md-list-pane" }, bulk, list, nothing, wordsPanel), form);
const bar = h("div", { class: "md-toolbar" },
    h("span", { class: "md-search" }, icon("search"), search),
    button("New shot", () => insertRow("below"), { sign: "plus", id: "md-insert" }),
    h("span", { class: "md-group" }, undo, redo), savedNote, h("span", { class: "md-spring" }),
    wordsButton, button("Paste a story", pasteRows, { sign: "text" }),
    button("Import", () => importRows(), { sign: "upload" }),
    button("Export", (event) => menu(event.currentTarget, [["Story as YAML", "download", () => exportAs("yaml")], ["Table as CSV", "download", () => exportAs("csv")]]), { sign: "download" }));
root.append(bar, empty, panes);

// --- what the desk says ------------------------------------------------------------------------------------
// Answers may come late: only the page itself, in `take`, opens another story.
function absorb(view) {
  if (view?.story === model.story && (view.revision ?? 0) >= model.revision) show(view);
}
function openStory(view) {
  saveAll();
  picked.clear();
  search.value = "";
  selected = null;
  show(view);
  if (model.story) recall();
}
function show(view) {
  model = view.story ? { ...view } : { ...model, story: "", rows: [], cast: [] };
  if (!rowOf(selected)) selected = neighbour ? rowOf(neighbour)?.id || null : null;
  if (!selected) selected = model.rows[0]?.id || null;
  neighbour = null;
  empty.hidden = model.rows.length > 0 || !model.story;
  panes.hidden = !model.rows.length;
  showOnlyWith(model.story, bar, panes, empty);
  undo.disabled = !model.undo;
  redo.disabled = !model.redo;
  drawRows();
  drawForm();
  if (model.story && !model.complete) setTimeout(readAgain, 2500);
}
async function readAgain() {
  const story = model.story;
  try { const answer = await server.read_script({ story }); if (answer.ok && story === model.story) absorb(answer.ok.view); } catch { /* the next save tells */ }
}

let neighbour = null; // what to select if the selected row goes
function select(id, { silent = false } = {}) {
  if (!id || id === selected || !rowOf(id)) return;
  const before = selected;
  selected = id;
  if (before && entryOf(before)) save(entryOf(before));
  drawRow(before);
  drawRow(id);
  drawForm();
  nodes.get(id)?.scrollIntoView({ block: "nearest" });
  list.setAttribute("aria-activedescendant", `md-${id}`);
  if (silent) return;
  ownSelections.push([id, Date.now()]);
  clearTimeout(select.timer);
  select.timer = setTimeout(() => trigger("selected_row", { row: selected }), 300);
}
const focusPlot = () => { plot.focus(); plot.setSelectionRange(plot.value.length, plot.value.length); };

function take() {
  const value = props.value;
  if (!value) return;
  arrived();
  const { selected: wanted, ...view } = value;
  view.story === model.story ? absorb(view) : openStory(view);
  while (ownSelections.length && Date.now() - ownSelections[0][1] > 6000) ownSelections.shift();
  const echo = ownSelections.findIndex(([id]) => id === wanted);
  if (echo >= 0) ownSelections.splice(0, echo);
  else if (wanted && wanted !== take.last) select(wanted, { silent: true });
  take.last = wanted;
}

// --- acts --------------------------------------------------------------------------------------------------
// Of the story that was open when it was asked for, even if another one is by the time that all is saved.
async function act(name, asked = {}) {
  const { story, revision } = model;
  await saveAll();
  const base = story === model.story ? model.revision : revision;
  const answer = await ask(name, { story, base, ...asked });
  if (!answer) return null;
  absorb(answer.view);
  if (answer.select) select(answer.select);
  tellOthers();
  return answer;
}
async function insertRow(where) {
  const made = await act("insert_row", { row: selected, where });
  if (made) focusPlot();
}
const moveRow = (places) => selected && act("move_rows", { rows: [selected], places });
async function removeRows(rows) {
  const last = Math.max(...rows.map((id) => model.rows.findIndex((row) => row.id === id)));
  neighbour = (model.rows.slice(last + 1).find((row) => !rows.includes(row.id)) || [...model.rows].reverse().find((row) => !rows.includes(row.id)))?.id;
  const keep = neighbour;
  await saveAll();
  neighbour = keep;
  const answer = await act("delete_rows", { rows });
  if (answer) toast(`${counted(rows.length, "shot")} deleted.`, { act: undoOf(answer) });
}
// With a `base` and its story, only what was done there at that revision is undone.
async function walk(direction, of = {}) {
  const answer = await act(direction, of);
  if (answer?.stale) toast(`The script was changed since; look at it, then press ${direction} in the toolbar.`);
}
function undoOf({ view: { story, revision: base } }) { return ["Undo", () => walk("undo", { story, base })]; }
async function putBack(entry) {
  const fields = entry.fields;
  forget(entry);
  if (!await act("insert_row", { row: selected, where: "below" })) return;
  newStep();
  for (const [name, value] of Object.entries(fields)) typed(selected, name, value, step);
  drawForm();
  saveAll();
}
function rowMenu(anchor) {
  if (!selected) return;
  menu(anchor, [
    ["Insert above", "insert_above", () => insertRow("above")], ["Insert below", "insert_below", () => insertRow("below"), { note: "Ctrl ↵" }],
    ["Duplicate", "copy", () => act("duplicate_row", { row: selected })], null,
    ["Delete", "trash", () => removeRows([selected]), { danger: true }],
  ]);
}
function pasteRows() {
  const text = h("textarea", { class: "md-field", rows: 12, id: "md-rows-text" });
  const replace = h("input", { type: "checkbox", id: "md-rows-replace" });
  dialog({
    title: "Paste a story", text: "Prose becomes one shot per sentence. Screenplays, CSV tables and YAML are recognised.", action: "Add the shots", wide: true,
    body: h("div", { class: "md-form" }, h("label", { class: "md-label", for: "md-rows-text" }, "Text"), text, h("label", { class: "md-switch", for: "md-rows-replace" }, replace, "Replace the shots that are there")),
    act: async () => told(await act("paste_rows", { text: text.value, replace: replace.checked })),
  });
}
function importRows() {
  chooseFiles(".csv,.fountain,.txt,.yaml,.yml,.json", false, async ([file]) => {
    const upload = await sent(file);
    if (upload) told(await act("import_rows", { ...upload, replace: false }));
  });
}
function told(answer) {
  if (answer) toast(`Added ${[counted(answer.number, "shot"), saidCharacters(answer.characters)].filter(Boolean).join(" and ")}.`, { act: undoOf(answer) });
  return Boolean(answer);
}
async function exportAs(format) {
  await saveAll();
  const made = await ask("export_script", { story: model.story, format });
  if (made) h("a", { href: made.address, download: made.name }).click();
}
document.addEventListener("keydown", (event) => {
  if (!root.offsetParent || event.target.closest("input, textarea, select, .md-layer") || !(event.ctrlKey || event.metaKey)) return;
  const key = event.key.toLowerCase();
  if (key === "z") { event.preventDefault(); walk(event.shiftKey ? "redo" : "undo"); }
  else if (key === "y") { event.preventDefault(); walk("redo"); }
  else if (key === "f") { event.preventDefault(); search.focus(); }
});
watch("value", take);
take();
