// A part of the page that the server draws: what is clicked or changed in it goes back as one event, "act".
// The server's markup says what is so; what is only looked at (open details, a filter, a form half filled in) stays here.
const opened = new Set();

function sentBy(node) {
  const sent = { ...node.dataset };
  const form = node.form || node.closest("form");
  if (form && node.tagName === "BUTTON") for (const [name, value] of new FormData(form)) if (typeof value === "string") sent[name] = value;
  return sent;
}
function uploadFor(node) {
  chooseFiles(node.dataset.accept || "", false, (files) => deliver(node, files));
}
async function deliver(node, files) {
  node.setAttribute("aria-busy", "true");
  const file = files[0] && (await sent(files[0]));
  node.removeAttribute("aria-busy");
  if (file) trigger("act", { ...sentBy(node), path: file.path, name: file.name });
}

element.addEventListener("click", (event) => {
  const node = event.target.closest("[data-act], [data-filter], [data-flip]");
  if (!node || !element.contains(node) || node.disabled || node.matches("select, input")) return;
  if (node.dataset.filter !== undefined) { element.dataset.filter = node.dataset.filter; return settle(); }
  if (node.dataset.flip) { element.dataset[node.dataset.flip] = element.dataset[node.dataset.flip] ? "" : "on"; return settle(); }
  if (node.dataset.upload !== undefined) return uploadFor(node);
  if (event.detail > 1 && node.dataset.act !== "open") return; // a double click asks once
  trigger("act", sentBy(node));
});
element.addEventListener("change", (event) => {
  const node = event.target.closest("[data-edit]");
  if (node) trigger("act", { ...node.dataset, act: node.dataset.edit, value: node.type === "checkbox" ? String(node.checked) : node.value });
});
element.addEventListener("keydown", (event) => {
  const node = event.target;
  if (event.key === "Enter" && node.matches?.("input[data-edit]")) { event.preventDefault(); node.blur(); }
  if ((event.key === "Enter" || event.key === " ") && node.matches?.("[role=button][data-act]")) { event.preventDefault(); trigger("act", sentBy(node)); }
  const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 0, ArrowUp: 0 }[event.key];
  const grid = node.closest?.("[data-arrows]");
  if (step === undefined || !grid) return;
  const tiles = [...grid.querySelectorAll("[data-tile]")].filter((tile) => tile.offsetParent), here = tiles.indexOf(node.closest("[data-tile]"));
  if (here < 0) return;
  const columns = Math.max(1, tiles.filter((tile) => tile.offsetTop === tiles[0].offsetTop).length);
  const next = tiles[here + (step || (event.key === "ArrowDown" ? columns : -columns))];
  if (next) { event.preventDefault(); next.focus(); }
});
element.addEventListener("submit", (event) => event.preventDefault());
element.addEventListener("input", (event) => { const form = event.target.closest("form"); if (form) say(form); });
element.addEventListener("toggle", (event) => {
  const key = event.target.dataset?.key;
  if (key) event.target.open ? opened.add(key) : opened.delete(key);
}, true);
for (const kind of ["dragover", "dragleave", "drop"]) element.addEventListener(kind, (event) => {
  const node = event.target.closest?.("[data-drop]");
  if (!node || !event.dataTransfer?.types.includes("Files")) return;
  event.preventDefault();
  node.classList.toggle("md-drop-over", kind === "dragover");
  if (kind === "drop" && event.dataTransfer.files.length) deliver(node.matches("[data-upload]") ? node : node.querySelector("[data-upload]"), [...event.dataTransfer.files]);
});

// The server names a file as it lies in the story's folder; a picture is saved under a name that says what it is.
element.addEventListener("click", async (event) => {
  const link = event.target.closest("a[data-save]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const address = URL.createObjectURL(await (await fetch(link.href)).blob());
  h("a", { href: address, download: link.dataset.save }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
});

// A form's words beside its fields: which number a slider stands at, which field a choice needs.
function say(form) {
  for (const field of form.querySelectorAll("input[type=range]")) {
    const output = form.querySelector(`output[for="${field.id}"]`);
    if (!output) continue;
    const words = (output.dataset.words || "").split("|"), share = (field.value - field.min) / (field.max - field.min);
    output.textContent = words.length > 1 ? words[Math.min(words.length - 1, Math.floor(share * words.length))] : field.value;
    field.style.setProperty("--share", `${100 * share}%`);
  }
  for (const node of form.querySelectorAll("[data-when]")) {
    const [name, value] = node.dataset.when.split("=");
    node.hidden = new FormData(form).get(name) !== value;
  }
}
// What the server proposes for a field stands there until somebody types. As a "value", it would replace what they typed.
function fill(field, another) {
  if (another || field.value === field.filled) field.value = field.filled = field.dataset.fill;
}
// What scrolls by itself begins at its top again when it shows another thing, named by data-top.
function backToTop() {
  for (const node of element.querySelectorAll("[data-top]")) {
    if (node.top !== undefined && node.top !== node.dataset.top) node.scrollTop = 0;
    node.top = node.dataset.top;
  }
}
function settle() {
  backToTop();
  for (const node of element.querySelectorAll("details[data-key]")) node.open = opened.has(node.dataset.key);
  for (const node of element.querySelectorAll("[data-filter]")) node.setAttribute("aria-pressed", String((element.dataset.filter || "") === node.dataset.filter));
  for (const node of element.querySelectorAll("[data-flip]")) node.setAttribute("aria-expanded", String(Boolean(element.dataset[node.dataset.flip])));
  for (const node of element.querySelectorAll("input[type=checkbox][data-edit]")) node.checked = node.hasAttribute("checked");
  for (const node of element.querySelectorAll("select[value]")) if (document.activeElement !== node) node.value = node.getAttribute("value");
  for (const form of element.querySelectorAll("form[data-of]")) {
    const another = form.dataset.of !== form.of;
    if (another) { form.reset(); form.of = form.dataset.of; }
    for (const field of form.querySelectorAll("[data-fill]")) fill(field, another);
    say(form);
  }
  const shown = element.querySelector("[data-reveal]");
  if (shown && shown.dataset.reveal !== element.revealed) {
    element.revealed = shown.dataset.reveal;
    const tile = element.querySelector(`[data-tile="${CSS.escape(shown.dataset.reveal)}"]`);
    if (tile && tile.offsetParent) tile.scrollIntoView({ block: "nearest" });
  }
}
watch("value", settle);
settle();
