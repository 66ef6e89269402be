// Face pictures: the crop that the models see, and a frame to set it by hand.

// The part of a picture within `box` (left, top, right, bottom as fractions), filling a square.
function crop(face) {
  const image = h("img", { src: face.address, alt: "", draggable: "false" });
  if (face.box) showWithin(image, face.box);
  return h("span", { class: "md-crop" }, image);
}
function showWithin(image, box) {
  const width = box[2] - box[0], height = box[3] - box[1];
  const within = (edge, size) => Math.max(0, Math.min(1 - size, edge)); // a box may reach past the picture
  const left = within(box[0], width), top = within(box[1], height);
  Object.assign(image.style, { position: "absolute", width: `${100 / width}%`, height: `${100 / height}%`, left: `${(-100 * left) / width}%`, top: `${(-100 * top) / height}%`, maxWidth: "none", objectFit: "fill" });
}

const NO_FACE = "No face found by the detector: the middle square is used.";
const isMiddle = (face) => face.read && !face.found && !face.hand;
function faceState(face) {
  if (!face.read) return model.reading ? "Looking for a face…" : "Not looked at yet";
  if (face.hand) return "Framed by hand";
  return face.found ? "Face found" : `${NO_FACE} Adjust the box if it misses the face`;
}

const FRAME_SAYS = "The studio looks at what is inside this frame, and at nothing else of the picture.";
const MIN_SIDE = 0.05; // of the picture's shorter side
const CORNERS = { nw: [-1, -1], ne: [1, -1], sw: [-1, 1], se: [1, 1] };

// A square on a picture: x and y in fractions of the picture, its side in fractions of the shorter side.
function squareOn(picture) {
  const box = { x: 0.3, y: 0.3, side: 0.4 };
  const width = () => picture.naturalWidth || 1, height = () => picture.naturalHeight || 1, unit = () => Math.min(width(), height());
  const span = () => ({ w: (box.side * unit()) / width(), h: (box.side * unit()) / height() });
  return {
    box, width, height, unit, span,
    fit() {
      box.side = Math.max(MIN_SIDE, Math.min(1, box.side));
      const { w, h: tall } = span();
      box.x = Math.max(0, Math.min(1 - w, box.x));
      box.y = Math.max(0, Math.min(1 - tall, box.y));
    },
    resize(side) { // around its middle
      const before = span();
      box.side = Math.max(MIN_SIDE, Math.min(1, side));
      box.x += (before.w - span().w) / 2;
      box.y += (before.h - span().h) / 2;
    },
    edges() { const { w, h: tall } = span(); return [box.x, box.y, Math.min(1, box.x + w), Math.min(1, box.y + tall)]; },
  };
}

function openFace(card, face) {
  const picture = h("img", { src: face.address, alt: `A picture of ${card.name || "this character"}`, draggable: "false" });
  const square = squareOn(picture), { box } = square;
  const handles = Object.keys(CORNERS).map((corner) => h("i", { class: `md-handle-${corner}`, "data-corner": corner, title: "Drag to resize the frame" }));
  const frame = h("div", { class: "md-face-frame", tabindex: 0, role: "group", "aria-label": "The frame: arrow keys move it, plus and minus resize it", "aria-describedby": "md-frame-says" }, ...handles);
  const stage = h("div", { class: "md-face-stage" }, picture, frame);
  const seen = h("img", { src: face.address, alt: "", draggable: "false" });
  const slider = (id, set) => h("input", { type: "range", id, min: 0, max: 100, step: 1, class: "md-range", oninput: (event) => { set(event.target.value / 100); place(); } });
  const free = () => { const { w, h: tall } = square.span(); return { x: 1 - w, y: 1 - tall }; };
  const across = slider("md-frame-across", (share) => { box.x = share * free().x; });
  const down = slider("md-frame-down", (share) => { box.y = share * free().y; });
  const size = slider("md-frame-size", (side) => square.resize(side));
  const place = () => {
    square.fit();
    const { w, h: tall } = square.span(), room = free();
    Object.assign(frame.style, { left: `${box.x * 100}%`, top: `${box.y * 100}%`, width: `${w * 100}%`, height: `${tall * 100}%` });
    showWithin(seen, square.edges());
    size.value = Math.round(box.side * 100);
    for (const [field, at, most] of [[across, box.x, room.x], [down, box.y, room.y]]) {
      field.disabled = most < 0.005;
      if (field !== document.activeElement) field.value = Math.round((100 * at) / (most || 1));
    }
  };
  const begin = () => {
    if (face.box) Object.assign(box, { x: face.box[0], y: face.box[1], side: ((face.box[2] - face.box[0]) * square.width()) / square.unit() });
    place();
  };
  picture.addEventListener("load", begin);
  stage.addEventListener("pointerdown", (event) => drag(event, stage, frame, square, place));
  frame.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: [-0.01, 0], ArrowRight: [0.01, 0], ArrowUp: [0, -0.01], ArrowDown: [0, 0.01] }[event.key];
    if (move) { event.preventDefault(); box.x += move[0]; box.y += move[1]; place(); }
    if (event.key === "+" || event.key === "-") { square.resize(box.side + (event.key === "+" ? 0.02 : -0.02)); place(); }
  });
  const tool = (label, run) => button(label, async () => { if (await run()) close(); }, { kind: "md-quiet" });
  const named = (label, field) => h("div", {}, h("label", { class: "md-label", for: field.id }, label), field);
  const close = dialog({
    title: card.name ? `A picture of ${card.name}` : "A face picture", text: `${faceState(face).replace(/[^…]$/, "$&.")} Hair and chin belong into the frame.`, wide: true, action: "Use this frame",
    body: h("div", {}, h("div", { class: "md-face-sides" },
      h("div", {}, stage, h("p", { class: "md-face-says", id: "md-frame-says" }, icon("crop"), h("span", {}, FRAME_SAYS, " Drag it, or one of its corners."))),
      h("div", { class: "md-face-side" }, h("span", { class: "md-label" }, "What the studio sees"), h("span", { class: "md-face-seen" }, h("span", { class: "md-crop" }, seen)),
        named("Left to right", across), named("Top to bottom", down), named("Size", size))),
      h("div", { class: "md-face-tools" }, h("span", { class: "md-spring" }),
      face.hand ? tool("Find the face again", () => act("set_face_box", { picture: face.picture, box: null })) : null,
      card.faces[0].picture !== face.picture ? tool("Show it first", () => act("put_face_first", { card: card.id, picture: face.picture })) : null,
      tool("Remove the picture", () => removeFace(card, face)))),
    act: async () => Boolean(await act("set_face_box", { picture: face.picture, box: square.edges() })),
  });
  if (picture.complete) begin();
}

function drag(event, stage, frame, square, place) {
  event.preventDefault();
  frame.focus();
  const { box } = square, area = stage.getBoundingClientRect(), at = (one) => [(one.clientX - area.left) / area.width, (one.clientY - area.top) / area.height];
  const corner = CORNERS[event.target.dataset.corner], [x0, y0] = at(event);
  if (!corner && event.target !== frame) { const { w, h: tall } = square.span(); box.x = x0 - w / 2; box.y = y0 - tall / 2; place(); }
  const start = { ...box };
  const move = (later) => {
    const [x, y] = at(later);
    if (corner) stretch(square, start, corner, x - x0, y - y0);
    else { box.x = start.x + x - x0; box.y = start.y + y - y0; }
    place();
  };
  const end = () => { stage.removeEventListener("pointermove", move); stage.removeEventListener("pointerup", end); };
  stage.setPointerCapture(event.pointerId);
  stage.addEventListener("pointermove", move);
  stage.addEventListener("pointerup", end);
}
// A corner goes with the pointer, by these fractions of the picture, while the one across from it stays.
function stretch({ box, width, height, unit }, start, [right, lower], across, down) {
  const side = start.side * unit(), fixed = [start.x * width() + (right < 0 ? side : 0), start.y * height() + (lower < 0 ? side : 0)];
  const room = Math.min(right < 0 ? fixed[0] : width() - fixed[0], lower < 0 ? fixed[1] : height() - fixed[1]);
  const longer = Math.max(MIN_SIDE * unit(), Math.min(room, side + (across * width() * right + down * height() * lower) / 2));
  Object.assign(box, { side: longer / unit(), x: (fixed[0] - (right < 0 ? longer : 0)) / width(), y: (fixed[1] - (lower < 0 ? longer : 0)) / height() });
}
