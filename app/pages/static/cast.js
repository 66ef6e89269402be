// Character cards: what is typed goes through outbox, faces through cast_faces.
let model = { story: "", revision: 0, cards: [], reading: false };
const nodes = new Map(); // cast id -> card node
const cards = h("div", { class: "md-cards", id: "md-cards" });
const savedNote = h("span", { class: "md-saved", role: "status" }, "Saved");
const empty = h("div", { class: "md-empty", hidden: true }, h("h3", {}, "Nobody is in this story yet"),
  h("p", {}, "Give each character a name, a description of their looks and a picture of their face; they then look the same in every shot."),
  button("Add a character", addCard, { kind: "md-primary", sign: "plus" }));
const bar = h("div", { class: "md-toolbar" },
  button("Add a character", addCard, { kind: "md-primary", sign: "plus", id: "md-add-character" }),
  savedNote, h("span", { class: "md-spring" }), wordsButton);
root.append(bar, empty, wordsPanel, cards);

const cardOf = (id) => model.cards.find((card) => card.id === id);
function savedValue(id, field) { return cardOf(id)?.[field]; }
const seenWith = () => ({});
const saverOf = () => "save_card";
let step = "";
const newStep = () => { step = `${Date.now()}-${Math.random().toString(36).slice(2, 8)}`; };

// Answers may come late: only the page itself, in `take`, opens another story.
function absorb(view) {
  if (view?.story === model.story && (view.revision ?? 0) >= model.revision) show(view);
}
function openStory(view) {
  saveAll();
  show(view);
  if (model.story) recall();
}
function show(view) {
  model = view.story ? { ...view } : { story: "", revision: 0, cards: [], reading: false };
  redraw();
}
// Of the story that was open when it was asked for, even if another one is by the time that all is saved.
async function act(name, asked = {}) {
  const { story } = model;
  await saveAll();
  const answer = await ask(name, { story, ...asked });
  if (!answer) return null;
  absorb(answer.view);
  tellOthers();
  return answer;
}
async function addCard() {
  const made = await act("add_card"), node = made && nodes.get(made.id);
  if (!node) return;
  node.scrollIntoView({ block: "nearest" });
  node.parts.name.focus();
}
async function removeCard(card) {
  const answer = await act("remove_card", { card: card.id });
  if (!answer) return;
  const { story, revision: base } = answer.view, rows = card.rows ? ` ${counted(card.rows, "shot")} still name them.` : "";
  toast(`${card.name || "The character"} is removed.${rows}`, { act: ["Undo", () => act("undo_cast", { story, base })] });
}
async function addFaces(card, files) {
  const { story } = model;
  for (const file of files) {
    const upload = await sent(file);
    if (upload) await act("add_face", { story, card: card.id, path: upload.path });
  }
}
const chooseFaces = (id) => chooseFiles("image/*", true, (files) => addFaces(cardOf(id), files));
function removeFace(card, face) { return act("remove_face", { card: card.id, picture: face.picture }); }

// --- a card --------------------------------------------------------------------------------------------------
function cardNode(id) {
  const remove = ["Remove from the cast", "trash", () => removeCard(cardOf(id)), { danger: true }];
  const parts = {
    face: h("button", { type: "button", class: "md-portrait" }),
    name: h("input", { class: "md-field md-name", type: "text", maxlength: 200, autocomplete: "off", "aria-label": "Name", placeholder: "Name" }),
    looks: h("textarea", { class: "md-field", rows: 3, "aria-label": "Looks", placeholder: "Looks: age, hair, clothes" }),
    notes: h("ul", { class: "md-notes" }), trouble: h("div", { class: "md-trouble", hidden: true, role: "alert" }),
    strip: h("div", { class: "md-strip" }), test: h("div", { class: "md-test" }),
    more: button("", (event) => menu(event.currentTarget, [remove]), { kind: "md-quiet", sign: "more", title: "More for this character" }),
  };
  const fields = h("div", { class: "md-card-fields" },
    h("div", { class: "md-name-row" }, parts.name, parts.more), parts.looks, parts.notes, parts.trouble);
  const node = h("article", { class: "md-person-card", id: `md-${id}` },
    h("div", { class: "md-card-top" }, parts.face, fields),
    h("div", { class: "md-card-bottom" }, h("div", {}, h("span", { class: "md-label" }, "Face pictures"), parts.strip), parts.test));
  node.parts = parts;
  parts.name.addEventListener("focus", newStep);
  parts.name.addEventListener("input", () => typed(id, "name", parts.name.value, step, { wait: true }));
  parts.name.addEventListener("keydown", (event) => { if (event.key === "Enter") parts.name.blur(); });
  parts.looks.addEventListener("focus", newStep);
  parts.looks.addEventListener("input", () => typed(id, "description", parts.looks.value, step));
  for (const field of [parts.name, parts.looks]) field.addEventListener("blur", () => saveAll());
  takesDrops(node, (files) => addFaces(cardOf(id), files));
  return node;
}

function insertWord(phrase, group) {
  const looks = lastField?.isConnected && lastField.matches(".md-person-card textarea") ? lastField : cards.querySelector("textarea");
  if (looks) atCaret(looks, phrase);
  else toast("Add a character first.");
}

function write(field, id, name) {
  const entry = entryOf(id);
  if (entry && name in entry.fields && field.value) return;
  const value = entry && name in entry.fields ? entry.fields[name] : savedValue(id, name);
  if (field.value !== value) field.value = value;
}

function showCard(node, card) {
  const { face, name, looks, notes, trouble, strip, test, more } = node.parts, called = card.name || "this character";
  write(name, card.id, "name");
  write(looks, card.id, "description");
  more.setAttribute("aria-label", `More for ${called}`);
  whenChanged(face, [card.faces[0], model.reading, card.name], () => {
    const first = card.faces[0];
    face.replaceChildren(first ? crop(first) : icon("face"));
    face.onclick = () => (first ? openFace(card, first) : chooseFaces(card.id));
    face.setAttribute("aria-label", first ? `The face of ${called}` : "Add a picture of the face");
    node.classList.toggle("md-faceless", !first);
  });
  whenChanged(notes, [card.unknown, card.alike, card.faces], () => notes.replaceChildren(...notesOf(card)));
  const add = () => h("button", {
    type: "button", class: "md-face md-add-face", title: "Add pictures of the face", "aria-label": `Add a picture of ${called}`,
    onclick: () => chooseFaces(card.id),
  }, icon("plus"));
  whenChanged(strip, [card.faces, model.reading, card.name], () => strip.replaceChildren(...card.faces.map((one) => faceNode(card, one)), add()));
  whenChanged(test, [card.tests, card.job, card.name, model.test_cost], () => drawTest(test, card));
  const entry = entryOf(card.id);
  whenChanged(trouble, [entry?.stale, entry?.problem], () => drawTrouble(node, entry));
}
function notesOf(card) {
  const said = [
    card.unknown,
    ...card.alike.map((other) => `The models can hardly tell this face from that of ${other}; give one of them another picture or other hair.`),
    card.faces.length ? "" : "Without a picture, the face may differ from shot to shot.",
  ];
  const note = (text, sign, calm) => h("li", { class: calm ? "md-calm" : null }, icon(sign), h("span", {}, text));
  const middle = card.faces.some(isMiddle) ? [note(`${NO_FACE} Adjust the box if it misses the face.`, "face", true)] : [];
  return [...said.filter(Boolean).map((text) => note(text, "alert")), ...middle];
}
function drawTrouble({ parts: { name, looks, trouble } }, entry) {
  trouble.hidden = !(entry?.stale || entry?.problem);
  if (trouble.hidden) { trouble.replaceChildren(); return; }
  if (!entry.stale) { trouble.replaceChildren(h("p", {}, h("strong", {}, "Not saved. "), entry.problem)); return; }
  const theirs = () => { name.value = looks.value = ""; takeTheirs(entry); };
  trouble.replaceChildren(
    h("p", {}, h("strong", {}, "This was changed in another tab. "), "There it says:"),
    ...Object.keys(entry.fields).map((field) => h("blockquote", {}, entry.stale[field] || "(nothing)")),
    h("div", {}, button("Keep mine", () => keepMine(entry), { kind: "md-primary" }), button("Take theirs", theirs)));
}
function whenChanged(node, values, draw) {
  const state = JSON.stringify(values);
  if (node.shownState === state) return;
  node.shownState = state;
  draw();
}
function faceNode(card, face) {
  const state = isMiddle(face) ? h("span", { class: "md-badge" }, "Middle") : null, said = faceState(face);
  const about = { type: "button", class: "md-face", title: said, "aria-label": `${said}; adjust`, onclick: () => openFace(card, face) };
  return h("button", about, crop(face), state);
}
function drawTest(node, card) {
  const busy = card.job && card.job.state !== "failed", latest = card.tests[card.tests.length - 1];
  const cost = model.test_cost ? h("span", { class: "md-cost" }, model.test_cost) : null;
  const label = busy ? "Drawing…" : [latest ? "Draw another" : "Draw a test picture", cost];
  const draw = button(label, () => act("test_card", { card: card.id }), { disabled: busy });
  const picture = latest ? h("img", { src: latest, alt: `Test picture of ${card.name || "this character"}` }) : icon("film");
  node.replaceChildren(h("span", { class: "md-label" }, "Test picture"),
    h("div", { class: `md-test-screen ${busy ? "md-busy" : ""}` }, picture, h("div", { class: "md-over-screen" }, draw)),
    ...(card.job?.state === "failed" ? [h("p", { class: "md-failed-note" }, card.job.message || "It could not be drawn; try again.")] : []));
}

function redraw() {
  const ids = new Set(model.cards.map((card) => card.id));
  for (const [id, node] of nodes) if (!ids.has(id)) { node.remove(); nodes.delete(id); }
  let at = cards.firstChild;
  for (const card of model.cards) {
    let node = nodes.get(card.id);
    if (!node) { node = cardNode(card.id); nodes.set(card.id, node); }
    showCard(node, card);
    if (node === at) at = at.nextSibling;
    else cards.insertBefore(node, at);
  }
  empty.hidden = model.cards.length > 0 || !model.story;
  showOnlyWith(model.story, bar, cards, wordsPanel);
}
function take() {
  if (!props.value) return;
  arrived();
  props.value.story === model.story ? absorb(props.value) : openStory(props.value);
}
watch("value", take);
take();
