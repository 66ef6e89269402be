// Face pictures: the crop that the models see, and a frame to set it by hand.

// The part of a picture within `box` (left, top, right, bottom as fractions), filling a square.
function crop(face) {
  const image = h("img", { src: face.address, alt: "", draggable: "false" });
  const node = h("span", { class: "md-crop" }, image);
  if (face.box) {
    const width = face.box[2] - face.box[0], height = face.box[3] - face.box[1];
    const within = (edge, size) => Math.max(0, Math.min(1 - size, edge)); // a box may reach past the picture
    const left = within(face.box[0], width), top = within(face.box[1], height);
    Object.assign(image.style, { position: "absolute", width: `${100 / width}%`, height: `${100 / height}%`, left: `${(-100 * left) / width}%`, top: `${(-100 * top) / height}%`, maxWidth: "none", objectFit: "fill" });
  }
  return node;
}

const NO_FACE = "No face found by the detector: the middle square is used.";
const isMiddle = (face) => face.read && !face.found && !face.hand;
function faceState(face) {
  if (!face.read) return model.reading ? "Looking for a face…" : "Not looked at yet";
  if (face.hand) return "Framed by hand";
  return face.found ? "Face found" : `${NO_FACE} Adjust the box if it misses the face`;
}

function openFace(card, face) {
  const picture = h("img", { src: face.address, alt: `A picture of ${card.name || "this character"}`, draggable: "false" });
  const frame = h("div", { class: "md-face-frame", tabindex: 0, role: "slider", "aria-label": "The face: arrow keys move it, plus and minus resize it", "aria-valuenow": 0 }, h("i", {}));
  const stage = h("div", { class: "md-face-stage" }, picture, frame);
  const size = h("input", { type: "range", min: 5, max: 100, step: 1, "aria-label": "Size of the frame", class: "md-range" });
  const box = { x: 0.3, y: 0.3, side: 0.4 }; // of the shorter side; x and y in fractions of the picture
  const unit = () => Math.min(picture.naturalWidth, picture.naturalHeight) || 1;
  const span = () => ({ w: (box.side * unit()) / (picture.naturalWidth || 1), h: (box.side * unit()) / (picture.naturalHeight || 1) });
  const place = () => {
    box.side = Math.max(0.05, Math.min(1, box.side));
    const { w, h: tall } = span();
    box.x = Math.max(0, Math.min(1 - w, box.x));
    box.y = Math.max(0, Math.min(1 - tall, box.y));
    Object.assign(frame.style, { left: `${box.x * 100}%`, top: `${box.y * 100}%`, width: `${w * 100}%`, height: `${tall * 100}%` });
    size.value = Math.round(box.side * 100);
  };
  const resize = (side) => { const { w, h: tall } = span(); box.x += w / 2; box.y += tall / 2; box.side = Math.max(0.05, Math.min(1, side)); const after = span(); box.x -= after.w / 2; box.y -= after.h / 2; place(); };
  const begin = () => {
    if (face.box) Object.assign(box, { x: face.box[0], y: face.box[1], side: ((face.box[2] - face.box[0]) * picture.naturalWidth) / unit() });
    place();
  };
  picture.addEventListener("load", begin);
  if (picture.complete) begin();
  size.addEventListener("input", () => resize(size.value / 100));
  stage.addEventListener("pointerdown", (event) => drag(event, stage, frame, box, span, place, resize, unit, picture));
  frame.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: [-0.01, 0], ArrowRight: [0.01, 0], ArrowUp: [0, -0.01], ArrowDown: [0, 0.01] }[event.key];
    if (move) { event.preventDefault(); box.x += move[0]; box.y += move[1]; place(); }
    if (event.key === "+" || event.key === "-") resize(box.side + (event.key === "+" ? 0.02 : -0.02));
  });
  const tool = (label, run) => button(label, async () => { if (await run()) close(); }, { kind: "md-quiet" });
  const close = dialog({
    title: card.name ? `A picture of ${card.name}` : "A face picture", text: `${faceState(face).replace(/[^…]$/, "$&.")} The frame is what the models see of it; hair and chin belong in it.`, wide: true, action: "Use this frame",
    body: h("div", {}, stage, h("div", { class: "md-face-tools" }, h("span", { class: "md-hint" }, "Size"), size, h("span", { class: "md-spring" }),
      face.hand ? tool("Find the face again", () => act("set_face_box", { picture: face.picture, box: null })) : null,
      card.faces[0].picture !== face.picture ? tool("Show it first", () => act("put_face_first", { card: card.id, picture: face.picture })) : null,
      tool("Remove the picture", () => removeFace(card, face)))),
    act: async () => { const { w, h: tall } = span(); return Boolean(await act("set_face_box", { picture: face.picture, box: [box.x, box.y, Math.min(1, box.x + w), Math.min(1, box.y + tall)] })); },
  });
}

function drag(event, stage, frame, box, span, place, resize, unit, picture) {
  event.preventDefault();
  frame.focus();
  const area = stage.getBoundingClientRect(), at = (one) => [(one.clientX - area.left) / area.width, (one.clientY - area.top) / area.height];
  const isCorner = event.target.tagName === "I", [x0, y0] = at(event);
  if (!isCorner && event.target !== frame) { const { w, h: tall } = span(); box.x = x0 - w / 2; box.y = y0 - tall / 2; place(); }
  const start = { ...box };
  const move = (later) => {
    const [x, y] = at(later);
    if (isCorner) box.side = Math.min(start.side + ((x - x0) * picture.naturalWidth) / unit(), ((1 - start.x) * picture.naturalWidth) / unit(), ((1 - start.y) * picture.naturalHeight) / unit());
    else { box.x = start.x + x - x0; box.y = start.y + y - y0; }
    place();
  };
  const end = () => { stage.removeEventListener("pointermove", move); stage.removeEventListener("pointerup", end); };
  stage.setPointerCapture(event.pointerId);
  stage.addEventListener("pointermove", move);
  stage.addEventListener("pointerup", end);
}
