// Frames a second, where a frame's milliseconds go, and clock cycles on hardware.

const HUES = {
  prepare: "#9aa7b5", image_encoder: "#4aa8ff", bank: "#c9d2dc", memory_attention: "#8b7bff", prompts: "#e7ecf2",
  mask_decoder: "#35cfa5", memory_encoder: "#f5b942", detector: "#ff7ab0", upsample: "#6b7885", draw: "#7f8c99",
  encode: "#55616d",
};
const HISTORY = 120; // reports, two a second
const BESIDE = new Set(["upsample", "draw", "encode"]); // they overlap the tracker

const at = (id) => document.getElementById(id);
const row = (name, value, hue) => {
  const line = document.createElement("tr");
  const head = document.createElement("th");
  head.scope = "row";
  if (hue) {
    const mark = document.createElement("i");
    mark.style.background = hue;
    head.append(mark);
  }
  head.append(name.replaceAll("_", " "));
  const cell = document.createElement("td");
  cell.textContent = value;
  line.append(head, cell);
  return line;
};

export class Rates {
  constructor() {
    this.history = [];
    this.told = 0;
  }

  rates({ source, tracked, shown, limit }, playing) {
    at("fps").textContent = playing ? tracked.toFixed(1) : "held";
    at("flow").textContent = `source ${source.toFixed(1)}, tracked ${tracked.toFixed(1)}, shown ${shown.toFixed(1)} frames/s`;
    at("limit").textContent = playing ? limit : "";
    this.history.push(tracked);
    if (this.history.length > HISTORY) this.history.shift();
    this.spark();
  }

  spark() {
    const canvas = at("spark");
    const { width, height } = canvas;
    const pen = canvas.getContext("2d");
    const most = Math.max(10, ...this.history) * 1.1;
    const point = (value, index) => [
      ((index + HISTORY - this.history.length) * width) / (HISTORY - 1), height - 3 - (value / most) * (height - 6)];
    pen.clearRect(0, 0, width, height);
    pen.beginPath();
    this.history.forEach((value, index) => pen.lineTo(...point(value, index)));
    pen.strokeStyle = getComputedStyle(document.documentElement).getPropertyValue("--accent");
    pen.lineWidth = 3;
    pen.lineJoin = "round";
    pen.stroke();
  }

  stages(stages, cycles, clock) {
    const now = performance.now();
    if (now - this.told < 500) return; // figures that can be read
    this.told = now;
    const entries = Object.entries(stages);
    const own = entries.filter(([name]) => !BESIDE.has(name));
    const total = own.reduce((sum, [, ms]) => sum + ms, 0);
    at("stages").replaceChildren(
      ...own.map(([name, ms]) => row(name, `${ms.toFixed(2)} ms`, HUES[name])),
      ...(own.length ? [row("tracker", `${total.toFixed(1)} ms`)] : []),
      ...entries.filter(([name]) => BESIDE.has(name)).map(([name, ms]) => row(`${name}, beside`, `${ms.toFixed(2)} ms`, HUES[name])));
    if (own.length) at("stages").children[own.length].className = "sum";
    at("stack").replaceChildren(...own.map(([name, ms]) => {
      const part = document.createElement("span");
      part.style.background = HUES[name] ?? "#888";
      part.style.width = `${(100 * ms) / Math.max(total, 1e-9)}%`;
      return part;
    }));
    const counted = Object.entries(cycles);
    at("cycles").hidden = !counted.length;
    at("cycles").tBodies[0].replaceChildren(...counted.map(([name, count]) =>
      row(name, `${count.toLocaleString("en")}${clock ? `, ${(count / clock / 1000).toFixed(2)} ms` : ""}`, HUES[name])));
  }
}
