// Where one is, in the address: #story/tab/row. A reload and a link lead there; back and forward go from tab to tab.
const tabNow = () => document.querySelector('#md-tabs [role="tab"][aria-selected="true"]')?.dataset.tabId || "";
const tabButton = (tab) => document.querySelector(`#md-tabs [role="tab"][data-tab-id="${CSS.escape(tab)}"]`);
function placeOf(hash) {
  const [story = "", tab = "", row = ""] = hash.replace(/^#/, "").split("/").map((part) => { try { return decodeURIComponent(part); } catch { return ""; } });
  return { story, tab, row };
}
function writePlace() {
  if (!opened.id) return;
  const before = placeOf(location.hash), tab = tabNow();
  const hash = `#${[opened.id, tab, opened.row].filter(Boolean).map(encodeURIComponent).join("/")}`;
  if (hash === location.hash) return;
  const address = new URL(location.href);
  address.searchParams.delete("story");
  address.hash = hash;
  const isStep = before.story === opened.id && before.tab && before.tab !== tab; // rows and stories replace, tabs are steps
  history[isStep ? "pushState" : "replaceState"](history.state, "", address);
}
function goTo(tab) { tabButton(tab)?.click(); }
function followPlace() {
  const { story, tab, row } = placeOf(location.hash);
  if (tab && tab !== tabNow()) goTo(tab);
  if (story && (story !== opened.id || row !== opened.row)) trigger("open_place", { story, row });
}
function watchPlace() {
  const tabs = document.getElementById("md-tabs");
  if (!tabs) { setTimeout(watchPlace, 100); return; }
  new MutationObserver(writePlace).observe(tabs, { subtree: true, attributes: true, attributeFilter: ["aria-selected"] });
  window.addEventListener("popstate", followPlace);
}
