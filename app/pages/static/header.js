// The header: which story is open, and a way to another.
let opened = { id: "", title: "", row: "" };
const title = h("span", { class: "md-story-title" });
const switcher = h("button", { type: "button", class: "md-switcher", id: "md-story-switcher", "aria-haspopup": "menu", onclick: choose }, title, icon("chevron"));
const leave = h("button", { type: "button", class: "md-button md-small md-quiet", id: "md-sign-out", onclick: signOut }, "Sign out");
root.append(h("div", { class: "md-brand" }, "MovieDreamer"), h("span", { class: "md-slash", "aria-hidden": "true" }), h("h1", {}, switcher), h("span", { class: "md-spring" }), button("How to begin", openHelp, { kind: "md-quiet md-small", sign: "help", id: "md-help" }), h("div", { id: "md-header-end" }));

async function choose() {
  const stories = await ask("stories");
  if (!stories) return;
  const others = stories.filter((one) => one.id !== opened.id).slice(0, 12);
  menu(switcher, [
    ...others.map((one) => [one.title || "Untitled", "film", () => trigger("open_story", { id: one.id })]),
    ...(others.length ? [null] : []),
    ["All stories", "copy", () => trigger("go_to_stories", {})],
  ]);
}
function show() {
  opened = props.value || opened;
  title.textContent = opened.title || (opened.id ? "Untitled" : "");
  switcher.hidden = !opened.id;
  if (opened.signs_out && !leave.isConnected) root.append(leave);
  document.title = opened.title ? `${opened.title} · MovieDreamer Studio` : "MovieDreamer Studio";
  writePlace();
}
async function signOut() {
  await fetch("/sign-out", { method: "POST", redirect: "manual" });
  location.assign("/");
}
watch("value", show);
watchPlace();
watchTips();
show();

// Gradio 6.31 loads the API's pages at a click only, not when it is opened at ?view=api.
function openApiPages(patience = 40) {
  const link = document.querySelector("footer button.show-api");
  if (!link) { if (patience) setTimeout(openApiPages, 250, patience - 1); return; }
  link.click(); // closes what is open but not there
  setTimeout(() => link.click(), 250);
}
if (new URLSearchParams(location.search).get("view") === "api") openApiPages();
