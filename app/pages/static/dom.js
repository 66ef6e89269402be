// What every island has: elements without markup, menus, dialogs, messages. Text is set as text, never as HTML.
const root = element.querySelector(".md-island") || element;

// The first answer is there: the island takes the place of its skeleton.
function arrived() { element.querySelector(".md-skeleton")?.remove(); root.hidden = false; }

function h(tag, attributes, ...children) {
  const node = tag === "svg" || tag === "path" ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked" || name === "disabled" || name === "selected") node[name] = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

const ICONS = {
  plus: "M8 3v10M3 8h10", close: "M4 4l8 8M12 4l-8 8", more: "M3.5 8h.01M8 8h.01M12.5 8h.01", chevron: "M4 6l4 4 4-4",
  up: "M8 13V3M4 7l4-4 4 4", down: "M8 3v10M4 9l4 4 4-4", left: "M13 8H3M7 4L3 8l4 4", right: "M3 8h10M9 4l4 4-4 4",
  copy: "M5.5 5.5h7v7h-7zM3.5 10.5v-7h7", trash: "M3 4.5h10M6.5 4.5V3h3v1.5M4.5 4.5l.6 8.5h5.8l.6-8.5",
  undo: "M6 4L3 7l3 3M3 7h6a3.5 3.5 0 010 7H7", redo: "M10 4l3 3-3 3M13 7H7a3.5 3.5 0 000 7h2",
  lock: "M4.5 7.5h7v5.5h-7zM6 7.5V5.5a2 2 0 014 0v2", unlock: "M4.5 7.5h7v5.5h-7zM6 7.5V5.5a2 2 0 013.8-.8",
  search: "M7 11.5a4.5 4.5 0 100-9 4.5 4.5 0 000 9zM10.5 10.5L14 14", download: "M8 2.5v8M4.5 7.5L8 11l3.5-3.5M3 13.5h10",
  upload: "M8 11V3M4.5 6L8 2.5 11.5 6M3 13.5h10", pencil: "M3 13l.7-2.8 7-7 2.1 2.1-7 7z", alert: "M8 2.5l6 11H2zM8 6.5v3M8 11.5h.01",
  check: "M3.5 8.5l3 3 6-7", film: "M2.5 4h11v8h-11zM5.5 4v8M10.5 4v8", face: "M8 13.5a5.5 5.5 0 100-11 5.5 5.5 0 000 11zM6 7h.01M10 7h.01M6 10c1 1 3 1 4 0",
  insert_above: "M3 11h10M3 14h10M8 8V2M5 5h6", insert_below: "M3 2h10M3 5h10M8 8v6M5 11h6", text: "M3 4h10M3 8h10M3 12h6", help: "M8 13.5a5.5 5.5 0 100-11 5.5 5.5 0 000 11zM6.4 6.4a1.6 1.6 0 113 .7c-.4.6-1.4.8-1.4 1.7M8 11h.01", words: "M3 3.5h4v3.5H3zM9.5 3.5H13M9.5 7H13M3 10h10M3 13h7", crop: "M4.5 1.5v10h10M1.5 4.5h10v10",
};
function icon(name) {
  const svg = h("svg", { viewBox: "0 0 16 16", fill: "none", stroke: "currentColor", "stroke-width": name === "more" ? 2.4 : 1.5, "stroke-linecap": "round", "stroke-linejoin": "round", "aria-hidden": "true" });
  svg.append(h("path", { d: ICONS[name] }));
  return svg;
}
function button(label, onclick, { kind = "", sign = null, title = null, disabled = false, id = null, pressed = null } = {}) {
  return h("button", { type: "button", class: `md-button ${kind} ${sign && !label ? "md-icon" : ""}`, onclick, title: title || null, "aria-label": label ? null : title, disabled, id, "aria-pressed": pressed }, sign ? icon(sign) : null, label || null);
}

// Instead of the island's own parts while no story is open.
const noStory = h("div", { class: "md-empty", hidden: true }, h("h3", {}, NO_STORY[0]), h("p", {}, NO_STORY[1]));
function showOnlyWith(story, ...parts) {
  if (!noStory.isConnected) root.prepend(noStory);
  noStory.hidden = Boolean(story);
  for (const part of parts) part.classList.toggle("md-away", !story);
}

function layer(className) {
  const node = h("div", { class: `md-layer ${className}` });
  (document.querySelector(".gradio-container .contain") || document.body).append(node); // where style sheets reach
  return node;
}

function toasts() {
  const stack = document.querySelector(".md-toasts") || layer("md-toasts");
  stack.setAttribute("aria-live", "polite");
  return stack;
}
// One message at the bottom; `act` is [label, function], such as an undo. What can be answered stays longer.
function toast(text, { act = null, failed = false } = {}) {
  const stack = toasts();
  const node = h("div", { class: `md-toast ${failed ? "md-failed" : ""}`, role: failed ? "alert" : "status" }, h("span", {}, text));
  const gone = setTimeout(() => node.remove(), act ? 20000 : failed ? 12000 : 7000);
  const close = () => { clearTimeout(gone); node.remove(); };
  const answer = act ? { onclick: () => { close(); act[1](); } } : { onclick: close, "aria-label": "Dismiss" };
  node.append(h("button", { type: "button", ...answer }, act ? act[0] : "OK"));
  stack.append(node);
  const over = [...stack.children].filter((one) => !one.matches(".md-doing")).slice(0, -3);
  for (const one of over) one.remove();
}

// A message with a bar that stays until its `end`; it comes a moment later, since most things take less.
const DOING_AFTER_MS = 300;
let numDoing = 0;
function doing(text) {
  const fill = h("span"), bar = h("span", { class: "md-bar md-endless", role: "progressbar", "aria-label": text }, fill);
  const node = h("div", { class: "md-toast md-doing", role: "status" }, h("span", {}, text), bar);
  const timer = setTimeout(() => toasts().append(node), DOING_AFTER_MS);
  numDoing += 1;
  root.setAttribute("aria-busy", "true");
  return {
    share(part) { // of it is done, from 0 to 1; null where nobody knows
      bar.classList.toggle("md-endless", part === null);
      fill.style.width = part === null ? "" : `${100 * part}%`;
      part === null ? bar.removeAttribute("aria-valuenow") : bar.setAttribute("aria-valuenow", Math.round(100 * part));
    },
    end() {
      clearTimeout(timer);
      node.remove();
      numDoing -= 1;
      if (!numDoing) root.removeAttribute("aria-busy");
    },
  };
}
async function during(text, work) {
  const message = doing(text);
  try { return await work(); } finally { message.end(); }
}

// Entries are [label, sign, function, {danger, note}] or null for a line between groups.
function menu(anchor, entries) {
  document.querySelectorAll(".md-menu").forEach((open) => open.remove());
  const node = layer("md-menu");
  node.setAttribute("role", "menu");
  const close = (event) => {
    if (event && node.contains(event.target)) return;
    node.remove();
    document.removeEventListener("pointerdown", close, true);
  };
  for (const entry of entries) {
    if (!entry) { node.append(h("hr")); continue; }
    const [label, sign, act, { danger = false, note = "" } = {}] = entry;
    node.append(h("button", { type: "button", role: "menuitem", class: danger ? "md-danger" : "", onclick: () => { close(); act(); } }, sign ? icon(sign) : null, label, note ? h("small", {}, note) : null));
  }
  const at = anchor.getBoundingClientRect();
  node.style.left = `${Math.max(8, Math.min(at.left, innerWidth - node.offsetWidth - 8))}px`;
  node.style.top = `${at.bottom + 6 + node.offsetHeight > innerHeight ? Math.max(8, at.top - node.offsetHeight - 6) : at.bottom + 6}px`;
  node.addEventListener("keydown", (event) => {
    const items = [...node.querySelectorAll("button")], here = items.indexOf(document.activeElement);
    if (event.key === "Escape") { close(); anchor.focus(); }
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      items[(here + (event.key === "ArrowDown" ? 1 : items.length - 1)) % items.length].focus();
    }
  });
  setTimeout(() => { document.addEventListener("pointerdown", close, true); node.querySelector("button")?.focus(); });
}

// `act` gets nothing and returns whether the dialog may close; null for a dialog with one button.
function dialog({ title, text = "", body = null, action = "OK", act = null, danger = false, wide = false, cancel = "Cancel", onclose = null }) {
  const veil = layer("md-veil"), before = document.activeElement;
  const close = () => { veil.remove(); onclose?.(); if (before && before.isConnected) before.focus(); };
  const go = async () => { primary.disabled = true; const done = act ? await act() : true; primary.disabled = false; if (done !== false) close(); else primary.focus(); }; // a disabled button has lost the focus
  const primary = button(action, go, { kind: danger ? "md-danger" : "md-primary" });
  veil.append(h("div", { class: `md-dialog ${wide ? "md-wide" : ""}`, role: "dialog", "aria-modal": "true", "aria-label": title },
    h("h2", {}, title), text ? h("p", {}, text) : null, body,
    h("div", { class: "md-actions" }, act && cancel ? button(cancel, close, { kind: "md-quiet" }) : null, primary)));
  veil.addEventListener("pointerdown", (event) => { if (event.target === veil) close(); });
  veil.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { event.stopPropagation(); close(); }
    if (event.key === "Enter" && event.target.tagName === "INPUT") { event.preventDefault(); go(); }
    if (event.key !== "Tab") return;
    const stops = [...veil.querySelectorAll("button, input, textarea, select, [tabindex]")].filter((one) => !one.disabled);
    const [first, last] = [stops[0], stops[stops.length - 1]];
    if (event.shiftKey && document.activeElement === first) { event.preventDefault(); last.focus(); }
    else if (!event.shiftKey && document.activeElement === last) { event.preventDefault(); first.focus(); }
  });
  (veil.querySelector("input, textarea") || primary).focus({ preventScroll: true }); // a long text is read from its top
  veil.querySelector("input[type=text]")?.select();
  return close;
}

function askText({ title, label, value = "", action, act, text = "" }) {
  const field = h("input", { type: "text", class: "md-field", value, maxlength: 200, id: "md-asked" });
  dialog({ title, text, action, body: h("div", {}, h("label", { class: "md-label", for: "md-asked" }, label), field), act: () => act(field.value) });
}

// What the desk answers, or null after telling what went wrong.
async function ask(name, asked = {}) {
  try {
    const answer = await server[name](asked);
    if (answer && "ok" in answer) return answer.ok === null ? true : answer.ok;
    toast(answer?.error || "The studio does not answer; see whether it still runs.", { failed: true });
  } catch {
    toast("The studio does not answer; see whether it still runs.", { failed: true });
  }
  return null;
}

// Files that a person chooses or drops, as paths on the server.
function chooseFiles(accept, multiple, then) {
  const input = h("input", { type: "file", accept, multiple, style: "display: none" });
  input.addEventListener("change", () => { then([...input.files]); input.remove(); });
  root.append(input);
  input.click();
}
async function sent(file) {
  const message = doing(`Uploading ${file.name}`);
  try { return { path: await uploaded(file, message.share), name: file.name }; }
  catch { toast(`${file.name} was not taken: it is larger than 512 MB, or the studio does not answer.`, { failed: true }); return null; }
  finally { message.end(); }
}
// Gradio's own `upload` does not say how far it is.
function uploaded(file, share) {
  return new Promise((took, failed) => {
    const request = new XMLHttpRequest(), form = new FormData();
    form.append("files", file);
    request.upload.onprogress = ({ lengthComputable, loaded, total }) => share(lengthComputable && loaded < total ? loaded / total : null);
    request.onload = () => {
      try { const [path] = JSON.parse(request.responseText); request.status === 200 && path ? took(path) : failed(); }
      catch { failed(); }
    };
    request.onerror = request.onabort = () => failed();
    request.open("POST", "/gradio_api/upload");
    request.send(form);
  });
}
function takesDrops(node, then) {
  const over = (on) => (event) => { if (!event.dataTransfer?.types.includes("Files")) return; event.preventDefault(); node.classList.toggle("md-over", on); };
  node.addEventListener("dragover", over(true));
  node.addEventListener("dragleave", over(false));
  node.addEventListener("drop", (event) => { over(false)(event); if (event.dataTransfer.files.length) then([...event.dataTransfer.files]); });
}
function ago(iso) {
  const minutes = Math.round((Date.now() - new Date(iso)) / 60000);
  if (!iso || Number.isNaN(minutes)) return "";
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} min ago`;
  if (minutes < 36 * 60) return `${Math.round(minutes / 60)} h ago`;
  return new Date(iso).toLocaleDateString(undefined, { day: "numeric", month: "short", year: "numeric" });
}
// "2 characters: Mira, Tom"; nothing for nobody. Of many, the first names.
function saidCharacters(names, most = 6) {
  if (!names.length) return "";
  const more = names.length > most ? ` and ${names.length - most} more` : "";
  return `${counted(names.length, "character")}: ${names.slice(0, most).join(", ")}${more}`;
}
const counted = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;
