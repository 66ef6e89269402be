// What is typed and not saved yet. An entry per row: the new text of each field, what the form had before, and whether it
// is on its way. It is kept in localStorage as well, so that a reload loses nothing. The island that uses this defines
// OUTBOX (its name), model.story, savedValue(row, field), seenWith(field), saverOf(row), absorb(view), redraw() and
// savedNote. A save may end when another story is open: absorb passes over a view of any story but that.
const SAVE_AFTER_MS = 350, RETRY_MS = 2000, UNSAVED = `md-unsaved:${OUTBOX}:`;
const outbox = new Map(); // "story/row" -> {story, row, fields, seen, step, saving, stale, problem, timer}
let saveState = "saved";

const keyOf = (story, row) => `${story}/${row}`;
const entryOf = (row) => outbox.get(keyOf(model.story, row));
const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

// With `wait`, the text is sent when somebody calls save: a name counts when it is finished.
function typed(row, field, value, step, { wait = false } = {}) {
  const key = keyOf(model.story, row);
  const entry = outbox.get(key) || { story: model.story, row, fields: {}, seen: {}, step };
  if (!(field in entry.seen)) Object.assign(entry.seen, { [field]: savedValue(row, field) }, seenWith(field));
  entry.fields[field] = value;
  entry.step = step;
  entry.problem = null;
  outbox.set(key, entry);
  remember(entry);
  clearTimeout(entry.timer);
  if (!wait) entry.timer = setTimeout(() => save(entry), SAVE_AFTER_MS);
  tellSaving();
}

// What the form shows of a field: what was typed, else what is saved.
function valueOf(row, field) {
  const entry = entryOf(row);
  return entry && field in entry.fields ? entry.fields[field] : savedValue(row, field);
}

// Kept when all that was typed until then has been sent, also what came while the first of it was on its way.
function save(entry) {
  clearTimeout(entry.timer);
  entry.saving ||= sendAll(entry).finally(() => { entry.saving = null; tellSaving(); });
  tellSaving();
  return entry.saving;
}
async function sendAll(entry) {
  while (!entry.stale && Object.keys(entry.fields).length) if (!await send(entry)) break;
  if (!Object.keys(entry.fields).length) forget(entry);
}

// Gives whether there is more to send at once. What got no answer may be saved all the same: it is sent once more as it was,
// before what was typed since, which would else take its own beginning for the text of another tab.
async function send(entry) {
  entry.sent ||= { fields: { ...entry.fields }, seen: { ...entry.seen }, step: entry.step };
  const { sent: { fields, seen, step } } = entry;
  remember(entry);
  let answer;
  try {
    answer = await server[saverOf(entry.row)]({ story: entry.story, row: entry.row, fields, seen, step });
  } catch { /* told below */ }
  if (!answer || !("ok" in answer || "error" in answer)) { // Gradio gives undefined for a studio that is not there
    entry.offline = true;
    entry.timer = setTimeout(() => save(entry), RETRY_MS);
    return false;
  }
  entry.offline = false;
  entry.sent = null;
  if (answer.error) {
    entry.problem = answer.error;
    redraw();
    return !same(entry.fields, fields);
  }
  const { view, stale } = answer.ok;
  if (stale) {
    entry.stale = stale;
    absorb(view);
    redraw();
    return false;
  }
  for (const field of Object.keys(fields)) {
    if (same(entry.fields[field], fields[field])) { delete entry.fields[field]; delete entry.seen[field]; }
    else entry.seen[field] = fields[field];
  }
  entry.problem = null;
  Object.keys(entry.fields).length ? remember(entry) : forget(entry);
  absorb(view);
  tellOthers();
  return Object.keys(entry.fields).length > 0;
}

// Ends when everything has been sent, or could not be.
function saveAll() { return Promise.all([...outbox.values()].map((entry) => save(entry))); }

function keepMine(entry) {
  for (const field of Object.keys(entry.fields)) entry.seen[field] = entry.stale[field];
  entry.stale = null;
  save(entry);
  redraw();
}
function takeTheirs(entry) {
  entry.fields = {};
  forget(entry);
  redraw();
}

function remember(entry) {
  try { localStorage.setItem(UNSAVED + keyOf(entry.story, entry.row), JSON.stringify({ ...entry, saving: null, timer: null, stale: null, at: Date.now() })); }
  catch { /* a full or forbidden store: the entry still lives in this page */ }
}
function forget(entry) {
  if ((outbox.get(keyOf(entry.story, entry.row)) || entry) !== entry) return; // somebody typed on
  outbox.delete(keyOf(entry.story, entry.row));
  try { localStorage.removeItem(UNSAVED + keyOf(entry.story, entry.row)); } catch { /* as above */ }
}
// What a page that was closed or reloaded too fast left behind. What is younger may be another tab's.
function recall() {
  try {
    for (const key of Object.keys(localStorage).filter((one) => one.startsWith(UNSAVED))) {
      const entry = JSON.parse(localStorage.getItem(key));
      if (entry.story !== model.story || outbox.has(keyOf(entry.story, entry.row)) || (Date.now() - entry.at < 4000 && !isReload())) continue;
      outbox.set(keyOf(entry.story, entry.row), entry);
      save(entry);
    }
  } catch { /* nothing that can be read was left */ }
}
const isReload = () => performance.getEntriesByType("navigation")[0]?.type === "reload";

let othersTimer = null;
function tellOthers() {
  clearTimeout(othersTimer);
  othersTimer = setTimeout(() => trigger("altered", {}), 900);
}

function tellSaving() {
  const entries = [...outbox.values()].filter((entry) => Object.keys(entry.fields).length);
  const state = entries.some((entry) => entry.stale) ? "stale" : entries.some((entry) => entry.problem) ? "problem"
    : entries.some((entry) => entry.offline) ? "offline" : entries.length ? "saving" : "saved";
  if (state === saveState) return;
  saveState = state;
  savedNote.textContent = { saved: "Saved", saving: "Saving…", offline: "Not saved, trying again…", problem: "Not saved", stale: "Changed in another tab" }[state];
  savedNote.className = `md-saved md-is-${state}`;
}
document.addEventListener("visibilitychange", () => { if (document.visibilityState === "hidden") saveAll(); });
window.addEventListener("beforeunload", (event) => { saveAll(); if ([...outbox.values()].some((entry) => entry.stale || entry.problem || entry.offline)) event.preventDefault(); });
