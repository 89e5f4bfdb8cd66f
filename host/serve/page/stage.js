// The picture: shows frames with labels, and turns clicks, drags and keys into prompts.

const DRAG = 8; // pixels of movement that make a click a box
const STEP = 0.02, FINE = 0.005; // of the picture, by arrow key

const at = (id) => document.getElementById(id);
const clamp = (value) => Math.min(1, Math.max(0, value));

export class Stage {
  // asks: point(x, y, positive), box([x0, y0, x1, y1])
  constructor(asks) {
    this.asks = asks;
    this.root = at("stage");
    this.canvas = at("picture");
    this.aim = null; // the keyboard's cross, 0..1
    this.corner = null; // the first corner of a box set by keys
    this.negative = false;
    this.root.addEventListener("pointerdown", (event) => this.press(event));
    this.root.addEventListener("pointermove", (event) => this.move(event));
    this.root.addEventListener("pointerup", (event) => this.release(event));
    this.root.addEventListener("pointercancel", () => this.letGo());
    this.root.addEventListener("contextmenu", (event) => event.preventDefault());
    this.root.addEventListener("keydown", (event) => this.key(event));
    this.root.addEventListener("blur", () => this.showAim(null));
  }

  set exclude(on) {
    this.negative = on;
    this.root.classList.toggle("not", on);
  }

  async show(head, blob, objects, chosen) {
    const bitmap = await createImageBitmap(blob);
    const { canvas } = this;
    if (canvas.width !== head.width || canvas.height !== head.height) {
      canvas.width = head.width;
      canvas.height = head.height;
      canvas.style.aspectRatio = `${head.width * head.aspect} / ${head.height}`;
    }
    canvas.getContext("2d").drawImage(bitmap, 0, 0);
    bitmap.close();
    at("empty").hidden = true;
    this.root.dataset.number = head.number;
    this.root.dataset.index = head.index;
    this.root.dataset.answer = head.answer;
    this.root.dataset.present = head.objects.filter((one) => one.box).map((one) => one.id).join(" ");
    this.label(head, objects, chosen);
  }

  label(head, objects, chosen) {
    const layer = at("labels");
    const wanted = new Set();
    for (const one of head.objects) {
      const known = objects.find((other) => other.id === one.id);
      if (!one.box || !known) continue;
      wanted.add(String(one.id));
      let label = layer.querySelector(`b[data-id="${one.id}"]`);
      if (!label) {
        label = document.createElement("b");
        label.dataset.id = one.id;
        layer.append(label);
      }
      label.textContent = known.name ? `${one.id} ${known.name}` : `${one.id}`;
      label.style.background = known.colour;
      label.classList.toggle("chosen", one.id === chosen);
      const low = one.box[1] < 0.07; // no room above
      label.classList.toggle("low", low);
      label.style.left = `${50 * (one.box[0] + one.box[2])}%`;
      label.style.top = `${100 * (low ? one.box[3] : one.box[1])}%`;
    }
    for (const label of layer.querySelectorAll("b")) if (!wanted.has(label.dataset.id)) label.remove();
  }

  place(event) {
    const edge = this.canvas.getBoundingClientRect();
    return [clamp((event.clientX - edge.left) / edge.width), clamp((event.clientY - edge.top) / edge.height)];
  }

  press(event) {
    if (event.button !== 0 && event.button !== 2) return;
    this.root.setPointerCapture(event.pointerId);
    this.down = { from: this.place(event), x: event.clientX, y: event.clientY, dragged: false };
    this.showAim(null);
  }

  move(event) {
    const { down } = this;
    if (!down) return;
    down.dragged ||= Math.hypot(event.clientX - down.x, event.clientY - down.y) > DRAG;
    if (down.dragged) this.showBand(down.from, this.place(event));
  }

  release(event) {
    const { down } = this;
    this.letGo();
    if (!down) return;
    const to = this.place(event);
    if (down.dragged) this.box(down.from, to);
    else this.point(...down.from, !(this.negative || event.shiftKey || event.button === 2));
  }

  letGo() {
    this.down = null;
    at("band").hidden = true;
  }

  point(x, y, positive) {
    const mark = document.createElement("i");
    mark.classList.toggle("not", !positive);
    mark.style.left = `${100 * x}%`;
    mark.style.top = `${100 * y}%`;
    mark.addEventListener("animationend", () => mark.remove());
    at("labels").append(mark);
    this.asks.point(x, y, positive);
  }

  box(a, b) {
    const box = [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[0], b[0]), Math.max(a[1], b[1])];
    if (box[2] > box[0] && box[3] > box[1]) this.asks.box(box);
  }

  showBand(a, b) {
    const band = at("band");
    band.hidden = false;
    band.style.left = `${100 * Math.min(a[0], b[0])}%`;
    band.style.top = `${100 * Math.min(a[1], b[1])}%`;
    band.style.width = `${100 * Math.abs(a[0] - b[0])}%`;
    band.style.height = `${100 * Math.abs(a[1] - b[1])}%`;
  }

  showAim(place) {
    const cross = at("aim");
    cross.hidden = !place;
    if (!place) {
      this.corner = null;
      at("band").hidden = true;
      return;
    }
    this.aim = place;
    cross.style.left = `${100 * place[0]}%`;
    cross.style.top = `${100 * place[1]}%`;
    if (this.corner) this.showBand(this.corner, place);
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const aim = this.aim ?? [0.5, 0.5];
    const step = event.shiftKey ? FINE : STEP;
    const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    const move = moves[event.key];
    if (move) this.showAim([clamp(aim[0] + move[0]), clamp(aim[1] + move[1])]);
    else if (event.key === "Enter") this.point(...aim, !(this.negative || event.shiftKey));
    else if (event.key.toLowerCase() === "b") {
      if (this.corner) {
        this.box(this.corner, aim);
        this.corner = null;
        at("band").hidden = true;
      } else {
        this.corner = aim;
        this.showAim(aim);
      }
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
