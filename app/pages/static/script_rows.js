// The list of rows: number, picture, plot, who and where, warnings. Nodes are kept and changed, never drawn anew.
function savedValue(row, field) { return row ? rowOf(row)?.[field] : model[field]; } // row "": what holds for every shot
const seenWith = (field) => (field === "characters" ? { names: model.names } : {}); // whom their names mean, if one is renamed
const saverOf = (row) => (row ? "save_row" : "save_story");
function redraw() { drawRows(); drawForm(); }

const nodes = new Map(); // row id -> its node
const picked = new Set(); // rows that are ticked for acting on several
let lastPicked = null;

const list = h("div", { class: "md-rows", role: "listbox", "aria-label": "Shots", tabindex: 0, id: "md-rows" });
const bulk = h("div", { class: "md-bulk", hidden: true });
const nothing = h("p", { class: "md-nothing", hidden: true }, "No shot says that.");

function rowNode(id) {
  // For the pointer: to assistive technology the option itself is checked, with the space bar.
  const tick = h("span", { class: "md-tick", title: "Select this shot", "aria-hidden": "true", onclick: (event) => { event.stopPropagation(); pick(id, event.shiftKey); } }, h("span", { class: "md-tick-box" }, icon("check")));
  const parts = {
    number: h("span", { class: "md-entry-number" }), picture: h("span", { class: "md-thumb" }), plot: h("span", { class: "md-entry-plot" }),
    about: h("span", { class: "md-about" }), marks: h("span", { class: "md-marks" }),
  };
  const node = h("div", { class: "md-entry", role: "option", id: `md-${id}`, onclick: (event) => (event.ctrlKey || event.metaKey || event.shiftKey ? pick(id, event.shiftKey) : select(id)) },
    h("span", { class: "md-lead" }, parts.number, tick), parts.picture,
    h("span", { class: "md-words" }, parts.plot, parts.about), parts.marks);
  node.parts = parts;
  return node;
}

function setText(node, text) { if (node.textContent !== text) node.textContent = text; }

function showRow(node, row, number) {
  const { picture, plot, about, marks } = node.parts;
  const values = Object.fromEntries(["plot", "scene_elements", "characters", "seconds"].map((field) => [field, valueOf(row.id, field)]));
  setText(node.parts.number, String(number));
  setText(plot, values.plot.trim() || "No plot yet");
  plot.classList.toggle("md-entry-blank", !values.plot.trim());
  const people = values.characters.map((one) => one.name).filter(Boolean).join(", ");
  const scene = values.scene_elements.filter((line) => line.trim()).join(", ");
  setText(about, [people, scene, `${values.seconds} s`].filter(Boolean).join("  ·  "));
  if (node.image !== row.image) {
    node.image = row.image;
    picture.replaceChildren(...(row.image ? [h("img", { src: row.image, alt: "", loading: "lazy" })] : []));
  }
  const state = JSON.stringify([row.locked, row.warnings, row.condition]);
  if (node.state !== state) {
    node.state = state;
    const blocking = row.warnings.some((one) => one.blocks);
    marks.replaceChildren(...[
      row.warnings.length ? h("span", { class: `md-badge ${blocking ? "md-failed" : "md-stale"}`, title: row.warnings.map((one) => one.text).join("\n") }, icon("alert"), String(row.warnings.length), h("span", { class: "md-unseen" }, row.warnings.length === 1 ? " warning" : " warnings")) : null,
      row.condition === "stale" ? h("span", { class: "md-entry-dot", title: "The script changed since this was drawn" }) : null,
      row.locked ? h("span", { class: "md-locked-mark", title: "Locked: keeps its picture" }, icon("lock")) : null,
    ].filter(Boolean));
  }
  node.setAttribute("aria-checked", String(picked.has(row.id)));
  node.classList.toggle("md-picked", picked.has(row.id));
  node.classList.toggle("md-entry-selected", row.id === selected);
  node.setAttribute("aria-selected", String(row.id === selected));
}

function drawRows() {
  const ids = new Set(model.rows.map((row) => row.id));
  for (const [id, node] of nodes) if (!ids.has(id)) { node.remove(); nodes.delete(id); picked.delete(id); }
  let at = list.firstChild, numShown = 0;
  const words = search.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  model.rows.forEach((row, index) => {
    let node = nodes.get(row.id);
    if (!node) { node = rowNode(row.id); nodes.set(row.id, node); }
    showRow(node, row, index + 1);
    node.hidden = words.length > 0 && !matches(row, words);
    numShown += !node.hidden;
    if (node === at) at = at.nextSibling;
    else list.insertBefore(node, at);
  });
  nothing.hidden = numShown > 0 || !words.length;
  list.setAttribute("aria-activedescendant", selected ? `md-${selected}` : "");
  drawBulk();
}

function drawRow(id) {
  const index = model.rows.findIndex((row) => row.id === id);
  if (index >= 0 && nodes.has(id)) showRow(nodes.get(id), model.rows[index], index + 1);
}

function matches(row, words) {
  const people = valueOf(row.id, "characters").flatMap((one) => [one.name, one.description]);
  const text = [valueOf(row.id, "plot"), ...valueOf(row.id, "scene_elements"), ...people].join(" ").toLowerCase();
  return words.every((word) => text.includes(word));
}

function pick(id, range) {
  const ids = model.rows.map((row) => row.id).filter((one) => !nodes.get(one).hidden);
  if (range && lastPicked) {
    const [from, to] = [ids.indexOf(lastPicked), ids.indexOf(id)].sort((one, other) => one - other);
    ids.slice(from, to + 1).forEach((one) => picked.add(one));
  } else {
    picked.has(id) ? picked.delete(id) : picked.add(id);
  }
  lastPicked = id;
  list.classList.toggle("md-picking", picked.size > 0);
  drawRows();
}
function unpick() { picked.clear(); list.classList.remove("md-picking"); drawRows(); }

let bulkShown = "";
function drawBulk() {
  const rows = model.rows.filter((row) => picked.has(row.id)).map((row) => row.id);
  bulk.hidden = !rows.length;
  list.classList.toggle("md-picking", rows.length > 0);
  if (bulkShown === rows.join()) return;
  bulkShown = rows.join();
  bulk.replaceChildren(
    h("strong", {}, counted(rows.length, "shot")),
    button("Add a scene element", () => bulkAdd(rows)), button("Replace one", () => bulkReplace(rows)), button("Redraw", () => bulkRedraw(rows), { title: "Draw a new take of each of these shots" }),
    button("", () => act("lock_rows", { rows, locked: true }), { sign: "lock", title: "Lock these shots" }),
    button("", () => act("lock_rows", { rows, locked: false }), { sign: "unlock", title: "Unlock these shots" }),
    button("", () => act("move_rows", { rows, places: -1 }), { sign: "up", title: "Move up" }),
    button("", () => act("move_rows", { rows, places: 1 }), { sign: "down", title: "Move down" }),
    button("", () => removeRows(rows), { sign: "trash", title: "Delete these shots" }),
    h("span", { class: "md-spring" }), button("Done", unpick, { kind: "md-quiet" }));
}

function bulkAdd(rows) {
  askText({ title: `Add to ${counted(rows.length, "shot")}`, label: "Scene element", action: "Add", act: async (line) => Boolean(await act("add_element", { rows, line })) });
}
async function bulkRedraw(rows) {
  await saveAll();
  const cost = await ask("cost_of_redraw", { story: model.story, rows });
  if (!cost) return;
  if (!cost.number) { toast("These shots are locked; unlock them to draw them again."); return; }
  const locked = rows.length - cost.number;
  dialog({
    title: `Redraw ${counted(cost.number, "shot")}?`, action: "Redraw",
    text: `A new take of each, ${cost.about}; all other shots stay as they are, and so do the takes there are.${locked ? ` ${counted(locked, "locked shot")} left out.` : ""}`,
    act: async () => { const done = await act("redraw_rows", { rows }); if (done) { unpick(); toast("Queued; see the bar below."); } return Boolean(done); },
  });
}
function bulkReplace(rows) {
  const known = [...new Set(rows.flatMap((id) => savedValue(id, "scene_elements") || []).map((line) => line.trim()).filter(Boolean))];
  if (!known.length) { toast("These shots have no scene elements yet."); return; }
  const old = h("select", { class: "md-field", id: "md-old-element" }, ...known.map((line) => h("option", { value: line }, line)));
  const line = h("input", { type: "text", class: "md-field", id: "md-new-element" });
  dialog({
    title: `Replace in ${counted(rows.length, "shot")}`, action: "Replace",
    body: h("div", { class: "md-form" }, h("label", { class: "md-label", for: "md-old-element" }, "Scene element"), old, h("label", { class: "md-label", for: "md-new-element" }, "Becomes (nothing removes it)"), line),
    act: async () => Boolean(await act("replace_element", { rows, old: old.value, line: line.value })),
  });
}

list.addEventListener("keydown", (event) => {
  if (event.target !== list) return;
  const shown = model.rows.filter((row) => !nodes.get(row.id).hidden).map((row) => row.id), here = shown.indexOf(selected);
  const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (move && event.altKey) { event.preventDefault(); act("move_rows", { rows: picked.size ? [...picked] : [selected], places: move }); }
  else if (move) { event.preventDefault(); select(shown[Math.max(0, Math.min(shown.length - 1, here + move))]); }
  else if (event.key === "Enter") { event.preventDefault(); focusPlot(); }
  else if (event.key === " ") { event.preventDefault(); pick(selected, event.shiftKey); }
  else if (event.key === "Delete") removeRows(picked.size ? [...picked] : [selected]);
  else if (event.key === "Escape") unpick();
});
