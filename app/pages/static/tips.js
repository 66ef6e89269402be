// What a word means, for the pointer and for the keyboard: whatever has data-tip says it when it is hovered or focused.
const TIP_AFTER_MS = 450;
let tip = null, tipTimer = null;
function hideTip() {
  clearTimeout(tipTimer);
  if (!tip) return;
  tip.anchor.removeAttribute("aria-describedby");
  tip.remove();
  tip = null;
}
function showTip(node) {
  hideTip();
  if (!node.isConnected || !node.dataset.tip) return;
  tip = layer("md-tip");
  Object.assign(tip, { id: "md-tip", textContent: node.dataset.tip, anchor: node });
  tip.setAttribute("role", "tooltip");
  node.setAttribute("aria-describedby", "md-tip");
  const at = node.getBoundingClientRect(), below = at.bottom + 8 + tip.offsetHeight < innerHeight;
  tip.style.left = `${Math.max(8, Math.min(at.left + at.width / 2 - tip.offsetWidth / 2, innerWidth - tip.offsetWidth - 8))}px`;
  tip.style.top = `${below ? at.bottom + 8 : at.top - tip.offsetHeight - 8}px`;
}
function watchTips() {
  const tipped = (event) => event.target.closest?.("[data-tip]");
  document.addEventListener("pointerover", (event) => {
    const node = tipped(event);
    if (node === tip?.anchor) return;
    hideTip();
    if (node && event.pointerType === "mouse") tipTimer = setTimeout(() => showTip(node), TIP_AFTER_MS);
  });
  document.addEventListener("focusin", (event) => { const node = tipped(event); if (node && event.target.matches(":focus-visible")) showTip(node); });
  for (const kind of ["focusout", "pointerdown", "wheel"]) document.addEventListener(kind, hideTip, { passive: true });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hideTip(); });
}
