// All stories as cards, ways to a new one, the trash.
let shown = { open: "", stories: [], trash: [] };
const IMPORTED = ".zip,.yaml,.yml,.json,.csv,.txt,.fountain";

const cards = h("div", { class: "md-shelf-cards", id: "md-story-cards" });
const trash = h("details", { class: "md-trash" });
root.append(
  h("div", { class: "md-toolbar" },
    button("New story", newStory, { kind: "md-primary", sign: "plus", id: "md-new-story" }),
    button("Paste a text", pasteText, { sign: "text", id: "md-paste-story" }),
    button("Import a file", () => chooseFiles(IMPORTED, false, importFiles), { sign: "upload" })),
  cards, trash);
takesDrops(cards, importFiles);

const titleOf = (story) => story.title || "Untitled";
const open = (id, tab) => trigger("open_story", { id, tab });

function newStory() {
  askText({ title: "New story", label: "Title", value: "", action: "Create", act: async (title) => {
    const made = await ask("new_story", { title });
    if (made) open(made.id, "script");
    return Boolean(made);
  } });
}

function pasteText() {
  const title = h("input", { type: "text", class: "md-field", maxlength: 200, id: "md-paste-title" });
  const text = h("textarea", { class: "md-field", rows: 12, id: "md-paste-text" });
  const format = h("select", { class: "md-field", id: "md-paste-format" },
    ...[["", "Recognise it"], ["prose", "Prose, a shot per sentence"], ["fountain", "Fountain screenplay"], ["csv", "CSV table"], ["yaml", "YAML story"]]
      .map(([value, label]) => h("option", { value }, label)));
  dialog({
    title: "Paste a text", text: "Prose becomes one shot per sentence; whoever is named in it becomes the cast.", action: "Make a story", wide: true,
    body: h("div", { class: "md-form" },
      h("div", { class: "md-pair" }, h("div", {}, h("label", { class: "md-label", for: "md-paste-title" }, "Title"), title), h("div", {}, h("label", { class: "md-label", for: "md-paste-format" }, "Written as"), format)),
      h("label", { class: "md-label", for: "md-paste-text" }, "Text"), text),
    act: async () => {
      const made = await ask("paste_story", { title: title.value, text: text.value, format: format.value });
      if (made) {
        toast(`Made ${[counted(made.number, "shot"), saidCharacters(made.characters)].filter(Boolean).join(" and ")}.`);
        open(made.id, "script");
      }
      return Boolean(made);
    },
  });
  text.focus();
}

async function importFiles(files) {
  const file = await sent(files[0]);
  if (!file) return;
  const made = await during(`Importing ${file.name}`, () => ask("import_story", file));
  if (!made) return;
  toast(`${file.name} is imported.`);
  open(made.id, "script");
}

async function act(name, asked) {
  const answer = await ask(name, asked);
  if (answer?.stories) { shown = { ...shown, ...answer }; draw(); }
  return answer;
}
async function remove(story) {
  const gone = await act("delete_story", { id: story.id });
  if (!gone) return;
  if (story.id === shown.open) open(shown.stories.find((one) => !one.problem)?.id || "");
  toast(`“${story.title}” is in the trash${gone.called_off ? `; ${counted(gone.called_off, "job")} called off` : ""}.`, { act: ["Undo", async () => { if (await act("restore_story", { id: story.id })) open(story.id); }] });
}
async function download(story) {
  const made = await during(`Making the zip of “${titleOf(story)}”`, () => ask("download_story", { id: story.id }));
  if (made) h("a", { href: made.address, download: `${story.title || "story"}.zip` }).click();
}
async function duplicate(story) {
  const copy = await during(`Copying “${titleOf(story)}”`, () => act("duplicate_story", { id: story.id }));
  if (copy) toast("Duplicated.", { act: ["Open it", () => open(copy.id)] });
}
function rename(story) {
  askText({ title: "Rename the story", label: "Title", value: story.title, action: "Rename", act: async (title) => {
    const done = await act("rename_story", { id: story.id, title });
    if (done && story.id === shown.open) trigger("altered", {});
    return Boolean(done);
  } });
}

function card(story) {
  const isOpen = story.id === shown.open;
  const entries = [
    ["Rename", "pencil", () => rename(story)],
    ["Duplicate", "copy", () => duplicate(story)],
    ["Download as zip", "download", () => download(story)],
    null,
    ["Move to trash", "trash", () => remove(story), { danger: true }],
  ];
  const more = button("", () => menu(more, story.problem ? entries.slice(-1) : entries), { kind: "md-quiet", sign: "more", title: `More for ${story.title || "Untitled"}` });
  const previews = story.previews ? `, ${counted(story.previews, "preview")}` : "";
  const state = story.problem ? "" : story.drawn || previews ? `${story.drawn} of ${counted(story.rows, "shot")} drawn${previews}` : counted(story.rows, "shot");
  return h("article", { class: `md-story ${isOpen ? "md-open" : ""}` },
    h("button", { type: "button", class: "md-cover", onclick: () => open(story.id, "script"), disabled: Boolean(story.problem), "aria-label": `Open ${story.title || "Untitled"}` },
      story.cover ? h("img", { src: story.cover, alt: "", loading: "lazy" }) : icon("film"), isOpen ? h("span", { class: "md-open-mark" }, "Open") : null),
    h("div", { class: "md-story-text" },
      h("div", {}, h("h3", {}, story.title || "Untitled"), h("p", {}, story.problem || [state, ago(story.changed)].filter(Boolean).join(" · "))),
      more));
}

function draw() {
  arrived();
  cards.replaceChildren(...shown.stories.map(card));
  if (!shown.stories.length) cards.append(h("div", { class: "md-empty" }, h("h3", {}, "No story yet"), h("p", {}, "Begin with an empty script, paste a text, or drop a file here.")));
  const wasOpen = trash.open;
  trash.hidden = !shown.trash.length;
  trash.replaceChildren(
    h("summary", {}, `Trash (${shown.trash.length})`),
    h("ul", {}, ...shown.trash.map((story) => h("li", {}, h("span", {}, story.title || "Untitled"), h("small", {}, `deleted ${ago(story.deleted)}`),
      button("Restore", async () => { if (await act("restore_story", { id: story.id })) toast(`“${story.title}” is back.`, { act: ["Open it", () => open(story.id)] }); }, { kind: "md-quiet" }),
      button("Delete for good", () => dialog({ title: "Delete for good?", text: `“${story.title}” and all its pictures and clips cannot be brought back.`, action: "Delete for good", danger: true, act: async () => Boolean(await act("empty_trash", { id: story.id })) }), { kind: "md-quiet md-danger" })))));
  trash.open = wasOpen;
}
function take() {
  if (!props.value) return;
  shown = { ...shown, ...props.value };
  draw();
}
watch("value", take);
take();
if (!props.value) ask("list_stories").then((found) => { if (found && !shown.stories.length) { shown = { ...shown, ...found }; draw(); } });
