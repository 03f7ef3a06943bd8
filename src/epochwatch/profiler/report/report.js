// Draws the curves over time of a report: values under the pointer, zoom that all charts share, keys.
"use strict";
(() => {
  const { from, to, figures } = JSON.parse(document.getElementById("figures").textContent);
  const reset = document.getElementById("reset");
  const LEFT = 66, BOTTOM = 20, TOP = 8;
  const charts = [];
  let [low, high] = [from, to];
  let cursor = null; // Unix seconds
  let waiting = false;

  // A canvas knows no light-dark(): an element resolves it.
  const probe = document.body.appendChild(document.createElement("i"));
  probe.hidden = true;
  const colour = (name) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const two = (value) => String(value).padStart(2, "0");
  const clock = (time) => {
    const at = new Date(time * 1000);
    const day = to - from > 86400 ? `${two(at.getMonth() + 1)}-${two(at.getDate())} ` : "";
    return `${day}${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  };
  const number = (value, unit) => {
    if (value == null) return "–";
    if (unit === "Percent") return `${value.toFixed(1)} %`;
    if (unit === "Watts") return `${value.toFixed(0)} W`;
    if (unit !== "Bytes/Second") return String(value);
    const power = Math.min(Math.floor(Math.log10(Math.max(value, 1)) / 3), 4);
    return `${(value / 1000 ** power).toPrecision(3)} ${["", "k", "M", "G", "T"][power]}B/s`;
  };
  // Of the values of a chart, which reach over all of the time or over a part that it names.
  const begin = (chart) => chart.from ?? from;
  const length = (chart) => (chart.to ?? to) - begin(chart);
  const place = (chart, count, time) => Math.floor(((time - begin(chart)) / length(chart)) * count);

  function draw() {
    waiting = false;
    for (const chart of charts) {
      if (!chart.canvas.clientWidth) continue; // in a part that is closed
      chart.kind === "map" ? drawMap(chart) : drawLines(chart);
    }
    reset.hidden = low === from && high === to;
  }
  const later = () => {
    if (!waiting) requestAnimationFrame(draw);
    waiting = true;
  };

  function prepared(chart) {
    const ratio = devicePixelRatio || 1;
    const { clientWidth: width, clientHeight: height } = chart.canvas;
    chart.canvas.width = width * ratio;
    chart.canvas.height = height * ratio;
    const context = chart.canvas.getContext("2d");
    context.scale(ratio, ratio);
    context.font = "11px system-ui, sans-serif";
    chart.x = (time) => LEFT + ((time - low) / (high - low)) * (width - LEFT - 6);
    return { context, width, height };
  }

  function drawCursor(chart, context, height) {
    if (cursor === null || cursor < low || cursor > high) return;
    context.strokeStyle = colour("muted");
    context.beginPath();
    context.moveTo(chart.x(cursor), TOP);
    context.lineTo(chart.x(cursor), height - BOTTOM);
    context.stroke();
  }

  function drawTimes(context, width, height) {
    context.fillStyle = colour("muted");
    const ticks = Math.max(2, Math.floor(width / 150));
    for (let tick = 0; tick <= ticks; tick++) {
      context.textAlign = tick === 0 ? "left" : tick === ticks ? "right" : "center";
      const time = low + ((high - low) * tick) / ticks;
      context.fillText(clock(time), LEFT + ((width - LEFT - 6) * tick) / ticks, height - 6);
    }
  }

  function drawLines(chart) {
    const { context, width, height } = prepared(chart);
    const count = chart.series[0].mean.length;
    const first = Math.max(place(chart, count, low), 0), last = Math.min(place(chart, count, high), count - 1);
    const shown = chart.series.map((one) => (one.max ?? one.mean).slice(first, last + 1));
    const top = chart.top ?? Math.max(1, ...shown.flat().filter((value) => value !== null)) * 1.05;
    const y = (value) => TOP + (1 - Math.min(value, top) / top) * (height - TOP - BOTTOM);
    const at = (index) => chart.x(begin(chart) + ((index + 0.5) / count) * length(chart));
    context.fillStyle = colour("muted");
    context.strokeStyle = colour("grid");
    for (const share of [0, 0.5, 1]) {
      context.textAlign = "right";
      context.fillText(number(top * share, chart.unit), LEFT - 6, y(top * share) + 4);
      context.beginPath();
      context.moveTo(LEFT, y(top * share));
      context.lineTo(width - 6, y(top * share));
      context.stroke();
    }
    context.save();
    context.beginPath();
    context.rect(LEFT, 0, width - LEFT - 6, height - BOTTOM + 1);
    context.clip();
    if (chart.kind === "stack") drawStack(chart, context, at, y, count);
    else for (const one of chart.series) drawLine(one, context, at, y, count);
    drawCursor(chart, context, height);
    context.restore();
    drawTimes(context, width, height);
  }

  function drawLine(one, context, at, y, count) {
    context.strokeStyle = context.fillStyle = colour(one.colour);
    if (one.max) {
      context.globalAlpha = 0.2;
      for (let index = 0; index < count; index++) {
        if (one.max[index] === null) continue;
        const wide = at(1) - at(0) + 0.5;
        context.fillRect(at(index) - wide / 2, y(one.max[index]), wide, y(one.mean[index]) - y(one.max[index]));
      }
      context.globalAlpha = 1;
    }
    context.lineWidth = 1.5;
    context.beginPath();
    let pen = false;
    for (let index = 0; index < count; index++) {
      if (one.mean[index] === null) { pen = false; continue; }
      pen ? context.lineTo(at(index), y(one.mean[index])) : context.moveTo(at(index), y(one.mean[index]));
      if (!pen && (index + 1 === count || one.mean[index + 1] === null)) context.fillRect(at(index) - 1, y(one.mean[index]) - 1, 2, 2);
      pen = true;
    }
    context.stroke();
  }

  function drawStack(chart, context, at, y, count) {
    const wide = at(1) - at(0);
    for (let index = 0; index < count; index++) {
      let base = 0;
      for (const one of chart.series) {
        const value = one.mean[index];
        if (!value) continue;
        context.fillStyle = colour(one.colour);
        context.fillRect(at(index) - wide / 2, y(base + value), wide + 0.4, y(base) - y(base + value));
        base += value;
      }
    }
  }

  function drawMap(chart) {
    const { context, width, height } = prepared(chart);
    const count = chart.rows[0].length;
    const tall = (height - TOP - BOTTOM) / chart.rows.length;
    context.save();
    context.beginPath();
    context.rect(LEFT, 0, width - LEFT - 6, height);
    context.clip();
    context.fillStyle = colour("data_loading");
    chart.rows.forEach((row, line) => row.forEach((value, index) => {
      if (value === null) return;
      const left = chart.x(from + (index / count) * (to - from));
      const right = chart.x(from + ((index + 1) / count) * (to - from));
      context.globalAlpha = 0.06 + 0.94 * Math.min(value / 100, 1);
      context.fillRect(left, TOP + line * tall, right - left + 0.4, tall - (tall > 6 ? 1 : 0));
    }));
    context.globalAlpha = 1;
    drawCursor(chart, context, height);
    context.restore();
    context.fillStyle = colour("muted");
    context.textAlign = "right";
    const every = Math.ceil(13 / tall);
    chart.names.forEach((name, line) => line % every || context.fillText(name, LEFT - 6, TOP + (line + 0.5) * tall + 4));
    drawTimes(context, width, height);
  }

  function tell(focused, pointed) {
    for (const chart of charts) {
      if (cursor === null) { chart.output.textContent = ""; continue; }
      const count = chart.kind === "map" ? chart.rows[0].length : chart.series[0].mean.length;
      const end = begin(chart) + length(chart);
      const index = cursor === end ? count - 1 : place(chart, count, cursor);
      if (chart.kind === "map") {
        const row = chart === focused && pointed !== null ? Math.min(Math.max(Math.floor(pointed * chart.rows.length), 0), chart.rows.length - 1) : null;
        chart.output.textContent = row === null ? clock(cursor) : `${clock(cursor)} · ${chart.names[row]}: ${number(chart.rows[row][index], "Percent")}`;
        continue;
      }
      const words = chart.series.filter((one) => chart.kind !== "stack" || one.mean[index]).map((one) => {
        const most = one.max && one.max[index] !== one.mean[index] ? ` (up to ${number(one.max[index], chart.unit)})` : "";
        return `${one.name} ${number(one.mean[index], chart.unit)}${most}`;
      });
      chart.output.textContent = `${clock(cursor)} · ${words.join(", ") || "nothing"}`;
    }
    later();
  }

  function zoom(left, right) {
    const least = (to - from) / 2000;
    if (right - left < least) return;
    [low, high] = [Math.max(left, from), Math.min(right, to)];
    later();
  }
  const whole = () => zoom(from, to);

  function listen(chart) {
    const { canvas } = chart;
    const time = (event) => {
      const box = canvas.getBoundingClientRect();
      const share = (event.clientX - box.left - LEFT) / (box.width - LEFT - 6);
      return low + Math.min(Math.max(share, 0), 1) * (high - low);
    };
    let pressed = null;
    canvas.addEventListener("pointerdown", (event) => {
      pressed = event.pointerType === "mouse" && event.button === 0 ? time(event) : null;
    });
    canvas.addEventListener("pointermove", (event) => {
      cursor = time(event);
      const box = canvas.getBoundingClientRect();
      tell(chart, (event.clientY - box.top - TOP) / (box.height - TOP - BOTTOM));
    });
    canvas.addEventListener("pointerup", (event) => {
      if (pressed !== null) zoom(...[pressed, time(event)].sort((one, other) => one - other));
      pressed = null;
    });
    canvas.addEventListener("pointerleave", () => { cursor = pressed = null; tell(chart, null); });
    canvas.addEventListener("dblclick", whole);
    canvas.addEventListener("keydown", (event) => {
      const step = (high - low) / 60;
      const middle = cursor ?? (low + high) / 2;
      const half = (high - low) / 2;
      if (event.key === "ArrowLeft") cursor = Math.max(middle - step, low);
      else if (event.key === "ArrowRight") cursor = Math.min(middle + step, high);
      else if (event.key === "+") zoom(middle - half / 2, middle + half / 2);
      else if (event.key === "-") zoom(middle - half * 2, middle + half * 2);
      else if (event.key === "0" || event.key === "Escape") whole();
      else return;
      event.preventDefault();
      tell(chart, 0);
    });
  }

  for (const figure of document.querySelectorAll("figure[data-figure]")) {
    const chart = figures[figure.dataset.figure];
    chart.canvas = figure.querySelector("canvas");
    chart.output = figure.querySelector("output");
    if (chart.kind === "map") chart.canvas.style.height = `${Math.min(Math.max(chart.rows.length * 14, 60), 460) + TOP + BOTTOM}px`;
    charts.push(chart);
    listen(chart);
  }
  reset.addEventListener("click", whole);
  for (const part of document.querySelectorAll("details")) part.addEventListener("toggle", later);
  addEventListener("resize", later);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", later);
  addEventListener("beforeprint", () => {
    for (const part of document.querySelectorAll("details")) part.open = true;
    document.documentElement.classList.add("paper");
    draw();
  });
  addEventListener("afterprint", () => { document.documentElement.classList.remove("paper"); draw(); });
  draw();
})();
