// Of what is on the screen: what is wider than it should be, and texts that something else lies over.
() => {
  const faults = [], seen = (node) => node.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  const named = (node) => `${node.tagName.toLowerCase()}${[...node.classList].slice(0, 2).map((one) => `.${one}`).join("")}`;
  const floats = (node) => { for (let one = node; one; one = one.parentElement) if (["sticky", "fixed"].includes(getComputedStyle(one).position)) return one; return null; };
  const page = document.documentElement;
  if (page.scrollWidth > innerWidth) faults.push(`the page is ${page.scrollWidth} pixels wide`);
  for (const node of document.querySelectorAll(".md-island, .md-island *")) {
    if (!seen(node) || node.closest("svg, video, .md-unseen") || node.scrollWidth <= node.clientWidth + 1) continue;
    const { overflowX, display } = getComputedStyle(node);
    if (["auto", "scroll"].includes(overflowX)) faults.push(`${named(node)} scrolls sideways: ${node.textContent.trim().slice(0, 40)}`);
    else if (overflowX === "visible" && !["inline", "contents"].includes(display) && node.matches("button, .md-button, .md-badge, .md-label, h2, h3, p, .md-state, .md-hint"))
      faults.push(`${named(node)} spills: ${node.textContent.trim().slice(0, 40)}`);
  }
  const isCut = (node) => { // by a part of the page that means to
    for (let one = node.parentElement; one && one.closest(".md-island"); one = one.parentElement) if (getComputedStyle(one).overflowX !== "visible") return true;
    return false;
  };
  for (const node of document.querySelectorAll(".md-island *")) {
    if (node.closest("svg, .md-unseen") || !seen(node) || node.getBoundingClientRect().right <= innerWidth + 1 || isCut(node)) continue;
    faults.push(`${named(node)} reaches beyond the window: ${node.textContent.trim().slice(0, 40)}`);
  }
  for (const node of document.querySelectorAll(".md-island :is(button, a, input, select)")) { // that a part around them cuts off
    const box = node.getBoundingClientRect(), around = node.parentElement.closest(".md-island *");
    if (!seen(node) || node.closest("svg, video, .md-unseen") || !box.width) continue;
    for (let one = around; one; one = one.parentElement) {
      if (getComputedStyle(one).overflowX === "visible") continue;
      const clip = one.getBoundingClientRect();
      if (box.right > clip.right + 1 || box.left < clip.left - 1) faults.push(`${named(one)} cuts off ${named(node)}: ${node.textContent.trim().slice(0, 40)}`);
      break;
    }
  }
  const walker = document.createTreeWalker(document.querySelector(".gradio-container"), NodeFilter.SHOW_TEXT);
  let numTexts = 0;
  while (walker.nextNode()) {
    const text = walker.currentNode, owner = text.parentElement;
    if (!text.data.trim() || !seen(owner) || owner.closest(".md-unseen, option, select, textarea")) continue;
    const range = document.createRange();
    range.selectNodeContents(text);
    let [left, top, right, bottom] = [0, 0, innerWidth, innerHeight]; // what can be seen of it
    for (let one = owner; one && one !== page; one = one.parentElement) {
      if (getComputedStyle(one).overflow === "visible" || one === document.body) continue;
      const box = one.getBoundingClientRect();
      [left, top, right, bottom] = [Math.max(left, box.left), Math.max(top, box.top), Math.min(right, box.right), Math.min(bottom, box.bottom)];
    }
    for (const line of range.getClientRects()) {
      const from = Math.max(line.left, left), to = Math.min(line.right, right), y = (line.top + line.bottom) / 2;
      if (to - from < 4 || y < top + 2 || y > bottom - 2) continue;
      numTexts += 1;
      for (const x of [from + 2, (from + to) / 2, to - 2]) {
        const over = document.elementFromPoint(x, y), group = owner.closest("label, button, [role=option]");
        if (!over || over.contains(owner) || owner.contains(over) || (group && group.contains(over))) continue;
        const above = floats(over);
        if (above && !above.contains(owner)) continue; // what stays in view while the rest scrolls below it
        faults.push(`${named(over)} lies over "${text.data.trim().slice(0, 40)}" of ${named(owner)}`);
        break;
      }
    }
  }
  return { numTexts, faults: [...new Set(faults)] };
}
