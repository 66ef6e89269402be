// Reference pictures in their order, with a switch that keeps them but draws without.
let model = { story: "", most: 10, used: true, pictures: [] };
const used = h("input", { type: "checkbox", id: "md-use-references", onchange: () => act("use_references", { used: used.checked }) });
const number = h("span", { class: "md-hint" });
const add = button("Add pictures", () => choose(), { kind: "md-primary", sign: "plus", id: "md-add-reference" });
const tiles = h("div", { class: "md-tiles", id: "md-references-grid" });
const empty = h("div", { class: "md-empty", hidden: true }, h("h3", {}, "Show the models what you have in mind"), h("p", {}, "Up to ten frames of a film, drawings or photos of your cast and places. The planner sees them before the first shot and follows their looks."), button("Choose pictures", () => choose(), { sign: "upload" }));
const bar = h("div", { class: "md-toolbar" }, add, number, h("span", { class: "md-spring" }), h("label", { class: "md-switch", for: "md-use-references" }, used, "Draw with these references"));
root.append(bar, empty, tiles);
takesDrops(root, addAll);

const choose = () => chooseFiles("image/*", true, addAll);
async function act(name, asked) {
  const answer = await ask(name, { story: model.story, ...asked });
  if (answer) { if (answer.view.story === model.story) show(answer.view); trigger("altered", {}); }
  else draw();
  return answer;
}
async function addAll(files) {
  const { story } = model; // which may not be the open one when the last file is there
  for (const file of files) {
    const upload = await sent(file);
    if (upload && !await act("add_reference", { story, path: upload.path })) break;
  }
}
async function remove(picture) {
  const answer = await act("remove_reference", { picture });
  if (!answer) return;
  const { story, revision: base } = answer.view;
  toast("The reference is removed.", { act: ["Undo", () => act("undo_references", { story, base })] });
}
function tile(picture, index) {
  const node = h("figure", { class: "md-tile", draggable: "true" }, h("img", { src: picture.address, alt: `Reference ${index + 1}`, draggable: "false" }), h("figcaption", {}, String(index + 1)),
    h("div", { class: "md-tile-tools" },
      button("", () => act("move_reference", { picture: picture.id, position: index - 1 }), { sign: "left", title: "Earlier", disabled: index === 0 }),
      button("", () => act("move_reference", { picture: picture.id, position: index + 1 }), { sign: "right", title: "Later", disabled: index === model.pictures.length - 1 }),
      button("", () => remove(picture.id), { sign: "trash", title: "Remove" })));
  node.addEventListener("dragstart", (event) => event.dataTransfer.setData("text/md-reference", picture.id));
  node.addEventListener("dragover", (event) => { if (event.dataTransfer.types.includes("text/md-reference")) event.preventDefault(); });
  node.addEventListener("drop", (event) => { const moved = event.dataTransfer.getData("text/md-reference"); if (moved && moved !== picture.id) { event.preventDefault(); act("move_reference", { picture: moved, position: index }); } });
  return node;
}
let drawn = "";
function draw() {
  used.checked = model.used;
  number.textContent = model.pictures.length ? `${model.pictures.length} of ${model.most}` : "";
  add.disabled = model.pictures.length >= model.most;
  empty.hidden = model.pictures.length > 0 || !model.story;
  showOnlyWith(model.story, bar, tiles);
  tiles.classList.toggle("md-off", !model.used);
  const state = JSON.stringify(model.pictures);
  if (drawn === state) return;
  drawn = state;
  tiles.replaceChildren(...model.pictures.map(tile));
}
function show(view) { model = view.story ? view : { ...model, story: "", pictures: [] }; draw(); }
function take() { if (props.value) { arrived(); show(props.value); } }
watch("value", take);
take();
