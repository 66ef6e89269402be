// How to begin: the steps from a story to a movie, each a way to its tab, and the words that need one.
async function openHelp() {
  const help = await ask("help");
  if (!help) return;
  const step = ({ tab, title, text }, index) => h("li", {}, h("span", { class: "md-step-number", "aria-hidden": "true" }, String(index + 1)),
    h("div", {}, h("button", { type: "button", class: "md-step-link", onclick: () => { close(); goTo(tab); } }, title), h("p", {}, text)));
  const close = dialog({
    title: "From a story to a movie", wide: true, action: "Close",
    text: "Everything is kept as you type, and what you ask for is made in the queue at the bottom: you can close the page meanwhile.",
    body: h("div", { class: "md-help" }, h("ol", {}, ...help.steps.filter((one) => tabButton(one.tab)).map(step)), h("h3", {}, "Words"),
      h("dl", {}, ...help.words.map(({ word, text }) => [h("dt", {}, word), h("dd", {}, text)]).flat())),
  });
}
