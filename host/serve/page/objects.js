// The list of objects: choose, rename, pause, remove. Rows stay in place, so that typing is not lost.

const icon = (name) => {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
};

const tool = (className, name, onClick) => {
  const button = document.createElement("button");
  button.className = className;
  if (name) button.append(icon(name));
  button.addEventListener("click", onClick);
  return button;
};

export class ObjectList {
  // asks: choose(id), rename(id, name), pause(id, on), remove(id)
  constructor(root, asks) {
    this.root = root;
    this.asks = asks;
    this.rows = new Map();
  }

  show(objects, chosen) {
    for (const [id, row] of this.rows) {
      if (objects.some((one) => one.id === id)) continue;
      row.item.remove();
      this.rows.delete(id);
    }
    for (const one of objects) {
      const row = this.rows.get(one.id) ?? this.add(one.id);
      const called = one.name || `object ${one.id}`;
      row.one = one;
      row.item.classList.toggle("chosen", one.id === chosen);
      row.item.classList.toggle("paused", one.paused);
      row.pick.style.background = one.colour;
      row.pick.setAttribute("aria-pressed", String(one.id === chosen));
      row.pick.setAttribute("aria-label", `Choose ${called}`);
      if (document.activeElement !== row.name) row.name.value = one.name;
      row.pause.setAttribute("aria-label", `${one.paused ? "Follow" : "Pause"} ${called}`);
      row.pause.title = one.paused ? "Follow again (P)" : "Pause (P)";
      row.pause.querySelector("use").setAttribute("href", one.paused ? "#i-play" : "#i-pause");
      row.remove.setAttribute("aria-label", `Remove ${called}`);
      if (one.paused) row.how.textContent = "paused";
    }
  }

  // seen: the objects of a picture, with whether they are on it and how sure that is
  report(seen) {
    for (const [id, row] of this.rows) {
      if (row.one.paused) continue;
      const found = seen.find((one) => one.id === id);
      const present = Boolean(found?.box);
      row.item.classList.toggle("absent", !present);
      row.item.dataset.present = String(present);
      row.how.textContent = present ? `${Math.round(100 * found.iou)} %` : "not seen";
      row.how.title = present ? "How well the mask fits, as the model puts it" : "";
    }
  }

  add(id) {
    const item = document.createElement("li");
    item.dataset.id = id;
    const pick = tool("pick", null, () => this.asks.choose(id));
    pick.textContent = id;
    const name = document.createElement("input");
    name.maxLength = 40;
    name.placeholder = `object ${id}`;
    name.setAttribute("aria-label", `Name of object ${id}`);
    name.addEventListener("change", () => this.asks.rename(id, name.value));
    name.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === "Escape") {
        if (event.key === "Escape") name.value = row.one.name;
        name.blur();
      }
    });
    const how = document.createElement("span");
    how.className = "how";
    const pause = tool("tool", "pause", () => this.asks.pause(id, !row.one.paused));
    const remove = tool("tool", "cross", () => this.asks.remove(id));
    remove.title = "Remove (Delete)";
    item.append(pick, name, how, pause, remove);
    this.root.append(item);
    const row = { item, pick, name, how, pause, remove, one: { id, name: "", paused: false } };
    this.rows.set(id, row);
    return row;
  }

  rename(id) {
    this.rows.get(id)?.name.select();
  }
}

export { tool };
