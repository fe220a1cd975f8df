"use strict";
/* The interactive figures of a report, from the data in the page: intervals and lines, drawn as SVG. */

const COLORS = 7;
const SHOWN_AT_FIRST = 6; // of many lines; the rest is a click away
const charts = JSON.parse(document.getElementById("charts").textContent);

function svg(parent, tag, attributes, text) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  Object.entries(attributes).forEach(([name, value]) => node.setAttribute(name, value));
  if (text !== undefined) node.textContent = text;
  parent.append(node);
  return node;
}

const format = (value) => (Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(3));

/* Round steps of 1, 2 or 5 times a power of ten. */
function ticks(low, high, count) {
  const rough = (high - low) / count || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough);
  const found = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) found.push(+(i * step).toPrecision(6));
  return found;
}

const scale = (low, high, start, end) => (value) => start + ((value - low) / (high - low || 1)) * (end - start);

/* A box beside the pointer, within the figure. */
function tooltip(box) {
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  box.append(tip);
  return {
    show(lines, event) {
      tip.replaceChildren(...lines.map((text) => Object.assign(document.createElement("div"), { textContent: text })));
      tip.hidden = false;
      const area = box.getBoundingClientRect();
      const x = event.clientX - area.left;
      const right = x > area.width / 2;
      tip.style.left = right ? "auto" : `${x + 14}px`;
      tip.style.right = right ? `${area.width - x + 14}px` : "auto";
      tip.style.top = `${Math.max(0, event.clientY - area.top - 20)}px`;
    },
    hide() {
      tip.hidden = true;
    },
  };
}

function axis(picture, positions, place, labels, vertical, from, to) {
  positions.forEach((value) => {
    const at = place(value);
    const line = vertical ? { x1: at, x2: at, y1: from, y2: to } : { x1: from, x2: to, y1: at, y2: at };
    svg(picture, "line", { class: "grid", ...line });
    const spot = vertical ? { x: at, y: to + 16, "text-anchor": "middle" } : { x: from - 6, y: at + 4, "text-anchor": "end" };
    if (labels) svg(picture, "text", spot, String(value));
  });
}

/* One row per model: value, and its interval as a line. */
function drawIntervals(plot, view, tip) {
  const width = plot.clientWidth;
  const rowHeight = 24;
  const names = Math.min(0.42 * width, 12 + 7.2 * Math.max(...view.rows.map(([name]) => name.length)));
  const values = width > 620 ? 165 : 12;
  const bottom = 8 + rowHeight * view.rows.length;
  const ends = view.rows.flatMap(([, value, low, high]) => [value, low, high]).concat(view.reference ?? []);
  const [low, high] = [Math.min(...ends), Math.max(...ends)];
  const x = scale(low - 0.03 * (high - low), high + 0.03 * (high - low), names, width - values);
  const picture = svg(plot, "svg", { width, height: bottom + 44, role: "img", "aria-label": `${view.name} with intervals` });
  axis(picture, ticks(low, high, Math.max(2, Math.round((width - names - values) / 90))), x, true, true, 0, bottom);
  if (view.reference !== null) {
    svg(picture, "line", { class: "reference", x1: x(view.reference), x2: x(view.reference), y1: 0, y2: bottom });
  }
  view.rows.forEach(([name, value, from, to], number) => {
    const y = 8 + rowHeight * (number + 0.5);
    const cell = `${format(value)} [${format(from)}, ${format(to)}]`;
    const row = svg(picture, "g", { class: "row c0" });
    svg(row, "rect", { class: "hit", x: 0, y: y - rowHeight / 2, width, height: rowHeight });
    svg(row, "text", { x: names - 8, y: y + 4, "text-anchor": "end" }, shorten(name, names / 7.2));
    svg(row, "line", { class: "line", x1: x(from), x2: x(to), y1: y, y2: y });
    svg(row, "circle", { class: "dot", cx: x(value), cy: y, r: 4.5 });
    if (values > 100) svg(row, "text", { x: width - values + 10, y: y + 4 }, cell);
    row.addEventListener("pointermove", (event) => tip.show([name, `${view.name} ${cell}`], event));
    row.addEventListener("pointerleave", tip.hide);
  });
  svg(picture, "text", { class: "title", x: (names + width - values) / 2, y: bottom + 38, "text-anchor": "middle" }, view.name);
}

const shorten = (text, length) => (text.length > length ? `${text.slice(0, Math.max(4, length - 2))}…` : text);

/* Lines with bands; those that are switched off are left out, also of the axes. */
function drawLines(plot, view, tip, lines, off) {
  const width = plot.clientWidth;
  const [left, right, bottom] = [52, width - 12, 320];
  const shown = view.lines
    .map(([label, key], number) => ({ label, number, ...lines[key] }))
    .filter(({ label }) => !off.has(label));
  const xOf = (line, i) => line.first + i * line.step;
  const all = (part) => shown.flatMap((line) => line[part].filter((value) => value !== null));
  const xs = shown.flatMap((line) => [xOf(line, 0), xOf(line, line.y.length - 1)]);
  const ys = [...all("y"), ...all("low"), ...all("high")];
  if (view.diagonal) ys.push(0, 1);
  const [x0, x1, y0, y1] = xs.length ? [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)] : [0, 1, 0, 1];
  const x = scale(x0, x1, left, right);
  const y = scale(y0, y1, bottom, 12);
  const picture = svg(plot, "svg", { width, height: bottom + 44, role: "img", "aria-label": `${view.name}: ${view.y} by ${view.x}` });
  axis(picture, ticks(x0, x1, Math.max(3, Math.round(width / 110))), x, true, true, 12, bottom);
  axis(picture, ticks(y0, y1, 6), y, true, false, left, right);
  if (view.diagonal) svg(picture, "line", { class: "reference", x1: x(0), x2: x(1), y1: y(0), y2: y(1) });
  shown.forEach((line) => {
    const group = svg(picture, "g", { class: style(line.number) });
    const points = (values) => values.map((value, i) => [x(xOf(line, i)), value]).filter(([, value]) => value !== null);
    const path = (pairs) => pairs.map(([px, value]) => `${px.toFixed(1)},${y(value).toFixed(1)}`).join(" ");
    if (line.low.length) {
      svg(group, "polygon", { class: "band", points: `${path(points(line.low))} ${path(points(line.high).reverse())}` });
    }
    svg(group, "polyline", { class: "line", points: path(points(line.y)) });
  });
  svg(picture, "text", { class: "title", x: (left + right) / 2, y: bottom + 38, "text-anchor": "middle" }, view.x);
  const rule = svg(picture, "line", { class: "rule", y1: 12, y2: bottom, visibility: "hidden" });
  picture.addEventListener("pointermove", (event) => {
    const px = event.clientX - picture.getBoundingClientRect().left;
    const at = x0 + ((px - left) / (right - left)) * (x1 - x0);
    if (!shown.length || at < x0 || at > x1) return;
    const found = shown
      .map((line) => ({ line, i: Math.round((at - line.first) / line.step) }))
      .filter(({ line, i }) => (line.y[i] ?? null) !== null)
      .sort((a, b) => b.line.y[b.i] - a.line.y[a.i]);
    if (!found.length) return;
    const spot = xOf(found[0].line, found[0].i);
    rule.setAttribute("x1", x(spot));
    rule.setAttribute("x2", x(spot));
    rule.setAttribute("visibility", "visible");
    const where = `${view.x} ${+spot.toPrecision(4)}`;
    tip.show([where, ...found.map(({ line, i }) => `${line.label}: ${format(line.y[i])}`)], event);
  });
  picture.addEventListener("pointerleave", () => {
    rule.setAttribute("visibility", "hidden");
    tip.hide();
  });
}

const style = (number) => `c${number % COLORS} dash${Math.floor(number / COLORS) % 3}`;

function legend(view, off, redraw) {
  const box = document.createElement("div");
  box.className = "legend";
  const button = (text, pressed, act) => {
    const node = document.createElement("button");
    node.type = "button";
    node.append(text);
    if (pressed !== null) node.setAttribute("aria-pressed", pressed);
    node.addEventListener("click", act);
    box.append(node);
    return node;
  };
  view.lines.forEach(([label], number) => {
    const node = button(label, !off.has(label), () => {
      if (!off.delete(label)) off.add(label);
      node.setAttribute("aria-pressed", !off.has(label));
      redraw();
    });
    const sample = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    sample.setAttribute("class", style(number));
    sample.setAttribute("width", 22);
    sample.setAttribute("height", 10);
    svg(sample, "line", { class: "line", x1: 0, x2: 22, y1: 5, y2: 5 });
    node.prepend(sample);
  });
  const switchAll = (none) => () => {
    view.lines.forEach(([label]) => (none ? off.add(label) : off.delete(label)));
    [...box.querySelectorAll("[aria-pressed]")].forEach((node) => node.setAttribute("aria-pressed", !none));
    redraw();
  };
  if (view.lines.length > 2) {
    button("all", null, switchAll(false));
    button("none", null, switchAll(true));
  }
  return box;
}

function choice(chart, change) {
  const label = document.createElement("label");
  const select = document.createElement("select");
  label.append(`${chart.label} `, select);
  chart.views.forEach((view, number) => {
    const option = new Option(view.name, number);
    let parent = select;
    if (view.group) {
      parent = [...select.children].find((group) => group.label === view.group);
      if (!parent) select.append((parent = Object.assign(document.createElement("optgroup"), { label: view.group })));
    }
    parent.append(option);
  });
  select.addEventListener("change", () => change(chart.views[select.value]));
  return label;
}

function show(box, chart) {
  const plot = document.createElement("div");
  plot.className = "plot";
  const keys = document.createElement("div");
  let view, off, tip;
  const draw = () => {
    plot.replaceChildren();
    tip = tooltip(plot);
    if (view.rows) drawIntervals(plot, view, tip);
    else drawLines(plot, view, tip, chart.lines, off);
  };
  const change = (chosen) => {
    view = chosen;
    off = new Set((view.lines || []).slice(SHOWN_AT_FIRST).map(([label]) => label));
    keys.replaceChildren(...(view.lines ? [legend(view, off, draw)] : []));
    draw();
  };
  if (chart.views.length > 1) box.append(choice(chart, change));
  box.append(plot, keys);
  change(chart.views[0]);
  let width = plot.clientWidth;
  new ResizeObserver(() => {
    if (plot.clientWidth !== width) {
      width = plot.clientWidth;
      draw();
    }
  }).observe(plot);
}

for (const box of document.querySelectorAll(".chart")) show(box, charts[box.dataset.chart]);
