// Brings the parts together: what the server says goes to them, what a person does goes to it.

import { Connection } from "./connection.js";
import { ObjectList, tool } from "./objects.js";
import { Rates } from "./rates.js";
import { Stage } from "./stage.js";

const at = (id) => document.getElementById(id);
const TOAST_MS = 5000;

let about = {};
let state = { objects: [], phrases: [], playing: true, recording: null, clips: [], notices: [] };
let chosen = null; // the object that a click corrects
let waiting = null; // the newest picture, while another one is being shown
let showing = false;

function toast(text, bad = false) {
  const line = document.createElement("p");
  line.textContent = text;
  line.classList.toggle("bad", bad);
  at("toasts").append(line);
  while (at("toasts").children.length > 3) at("toasts").firstChild.remove();
  setTimeout(() => line.remove(), TOAST_MS);
}

function choose(id) {
  chosen = id;
  list.show(state.objects, chosen);
  hint();
}

function hint() {
  const one = state.objects.find((other) => other.id === chosen);
  const bold = document.createElement("b");
  if (one) {
    bold.textContent = one.name || `object ${one.id}`;
    at("hint").replaceChildren("A click adds to ", bold, ", shift-click takes away; a dragged box or New starts another.");
  } else at("hint").replaceChildren("Click on a thing, or drag a box around it, to follow it.");
}

const stage = new Stage({
  point: (x, y, positive) => connection.send({ do: "point", x, y, positive, id: chosen }),
  box: (box) => connection.send({ do: "box", box }),
});
const list = new ObjectList(at("objects"), {
  choose: (id) => choose(id === chosen ? null : id),
  rename: (id, name) => connection.send({ do: "rename", id, name }),
  pause: (id, on) => connection.send({ do: "pause", id, on }),
  remove: (id) => connection.send({ do: "remove", id }),
});
const rates = new Rates();

async function show() {
  if (showing || !waiting) return;
  showing = true;
  const { head, blob } = waiting;
  waiting = null;
  try {
    await stage.show(head, blob, state.objects, chosen);
    list.report(head.objects);
    rates.stages(head.stages, head.cycles, about.clock_mhz);
  } finally {
    showing = false;
    connection.send({ do: "seen", number: head.answer });
  }
  show();
}

const connection = new Connection({
  link(on, text) {
    at("link").classList.toggle("on", on);
    at("link-text").textContent = text;
  },
  about(message) {
    about = message;
    const parts = [`${about.model} ${about.precision}`, about.board ? `${about.board}, ${about.clock_mhz} MHz` : about.device,
      /^\d+$/.test(about.source) ? `camera ${about.source}` : about.source.split("/").pop()];
    at("about").replaceChildren(...parts.map((text) => Object.assign(document.createElement("span"), { textContent: text })));
    const find = at("find");
    for (const field of find.elements) field.disabled = !about.finds;
    at("phrase").placeholder = about.finds ? "fish" : "this model finds nothing by name";
  },
  state(message) {
    state = message;
    if (chosen !== null && !state.objects.some((one) => one.id === chosen)) chosen = null;
    list.show(state.objects, chosen);
    hint();
    at("none").hidden = state.objects.length > 0;
    at("count").textContent = state.objects.length ? `${state.objects.length} of ${about.most_objects}` : "";
    at("play").querySelector("use").setAttribute("href", state.playing ? "#i-pause" : "#i-play");
    at("play").querySelector("span").textContent = state.playing ? "Hold" : "Go on";
    at("play").title = state.playing ? "Hold the picture (space)" : "Let it run (space)";
    const { recording } = state;
    at("record").setAttribute("aria-pressed", String(Boolean(recording)));
    at("record").querySelector("span").textContent = recording
      ? `${Math.floor(recording.seconds / 60)}:${String(recording.seconds % 60).padStart(2, "0")}` : "Record";
    const lines = state.notices.join("\n");
    if (at("notices").dataset.lines !== lines) { // a screen reader says each change once
      at("notices").dataset.lines = lines;
      at("notices").replaceChildren(...state.notices.map((text) => Object.assign(document.createElement("p"), { textContent: text })));
    }
    at("phrases").replaceChildren(...state.phrases.map((text) => {
      const item = document.createElement("li");
      const end = tool("tool", "cross", () => connection.send({ do: "forget", text }));
      end.setAttribute("aria-label", `Look for ${text} no longer`);
      item.append(text, end);
      return item;
    }));
    at("kept").hidden = !state.clips.length;
    at("clips").replaceChildren(...state.clips.map((name) => {
      const item = document.createElement("li");
      item.append(Object.assign(document.createElement("a"), { textContent: name, href: `/recordings/${name}`, download: name }));
      return item;
    }));
    rates.rates(state.rates, state.playing);
  },
  reply(message) {
    if (message.started !== null) choose(message.started);
    if (message.said) toast(message.said);
  },
  error(message) {
    toast(message.message, true);
  },
  picture(head, blob) {
    if (waiting) connection.send({ do: "seen", number: waiting.head.answer }); // passed over
    waiting = { head, blob };
    show();
  },
});

function exclude(on) {
  stage.exclude = on;
  at("mode-add").setAttribute("aria-checked", String(!on));
  at("mode-not").setAttribute("aria-checked", String(on));
}

const does = {
  " ": () => connection.send({ do: "play", on: !state.playing }),
  r: () => connection.send({ do: "record", on: !state.recording }),
  s: () => at("snapshot").click(),
  m: () => at("masks").click(),
  n: () => choose(null),
  a: () => exclude(false),
  x: () => exclude(true),
  p: () => {
    const one = state.objects.find((other) => other.id === chosen);
    if (one) connection.send({ do: "pause", id: one.id, on: !one.paused });
  },
  delete: () => chosen !== null && connection.send({ do: "remove", id: chosen }),
  f2: () => list.rename(chosen),
  "/": () => at("phrase").focus(),
  escape: () => choose(null),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input")) return;
  const key = event.key.toLowerCase();
  // On a button, space and Enter press it.
  if ((key === " " || key === "enter") && event.target.closest("button, a, summary")) return;
  const act = does[key];
  if (act) act();
  else if (/^[1-9]$/.test(key) && state.objects[key - 1]) choose(state.objects[key - 1].id);
  else return;
  event.preventDefault();
});

at("play").addEventListener("click", does[" "]);
at("record").addEventListener("click", does.r);
at("new").addEventListener("click", () => { choose(null); at("stage").focus(); });
at("clear").addEventListener("click", () => connection.send({ do: "clear" }));
at("mode-add").addEventListener("click", () => exclude(false));
at("mode-not").addEventListener("click", () => exclude(true));
at("find").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = at("phrase").value.trim();
  if (text) connection.send({ do: "phrase", text });
  at("phrase").value = "";
});
at("phrase").addEventListener("focus", async () => {
  if (!about.finds || at("known").children.length) return;
  const known = await (await fetch("/phrases.json")).json();
  at("known").replaceChildren(...known.map((text) => Object.assign(document.createElement("option"), { value: text })));
}, { once: true });
hint();
