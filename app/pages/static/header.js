// The header: which story is open, and a way to another.
let opened = { id: "", title: "" };
const title = h("span", { class: "md-story-title" });
const switcher = h("button", { type: "button", class: "md-switcher", id: "md-story-switcher", "aria-haspopup": "menu", onclick: choose }, title, icon("chevron"));
root.append(h("div", { class: "md-brand" }, "MovieDreamer"), h("span", { class: "md-slash", "aria-hidden": "true" }), h("h1", {}, switcher), h("span", { class: "md-spring" }), h("div", { id: "md-header-end" }));

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
  document.title = opened.title ? `${opened.title} · MovieDreamer Studio` : "MovieDreamer Studio";
  if (!opened.id) return;
  const address = new URL(location.href);
  if (address.searchParams.get("story") === opened.id) return;
  address.searchParams.set("story", opened.id);
  history.replaceState(null, "", address);
}
watch("value", show);
show();
