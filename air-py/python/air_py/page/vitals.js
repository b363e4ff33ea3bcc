// How a channel stands: figures with a plot of the last minutes, and what the judge says of the stream.

import { bitrate, count, duration, milliseconds } from "./format.js";
import { bars, line, LENGTH } from "./plots.js";

// A figure's value makes its plot: `line` of the value, or `bars` of how much it grew. `null` is nothing to show.
const VITALS = [
  { title: "Viewers", draw: line, value: (channel) => channel.viewers, detail: onAirFor },
  { title: "Bitrate", draw: line, value: ({ stream }) => stream?.bitrate_bps ?? null, text: bitrate, detail: sent },
  { title: "Tune-in", draw: line, value: ({ tune_ins }) => tune_ins.last_ms, text: milliseconds, detail: tuneIns },
  { title: "Late ticks", draw: bars, value: counter("late_ticks"), detail: () => "sent at once, none lost" },
  { title: "Held", draw: bars, value: counter("held_frames"), detail: () => "pictures shown again" },
  { title: "Black", draw: bars, value: counter("black_frames"), detail: () => "frames of black" },
  { title: "Slow viewers", draw: bars, value: slow, detail: closed },
  { title: "Restarts", draw: bars, value: (channel) => channel.engine_restarts, detail: () => "engines lost" },
];

function counter(name) {
  return ({ engine }) => engine?.counters[name] ?? null;
}

function slow({ stream }) {
  return stream === null ? null : stream.skips + stream.slow_closed;
}

function closed({ stream }) {
  return stream === null ? "" : `${count(stream.slow_closed)} closed`;
}

function onAirFor({ on_air_since_ms }, nowMs) {
  return on_air_since_ms === null ? "off" : `on air for ${duration(nowMs - on_air_since_ms)}`;
}

function sent({ stream }) {
  return stream === null ? "" : `${count(Math.round(stream.bytes_out / 1e6))} MB sent`;
}

function tuneIns({ tune_ins: { count: times, p50_ms, p95_ms } }) {
  if (times < 2) return times === 0 ? "none yet" : "once";
  return `${count(times)} times; half within ${milliseconds(p50_ms)}, 95 % within ${milliseconds(p95_ms)}`;
}

/** What every channel's figures were, one value a poll. */
export class History {
  #channels = new Map();

  add(channels) {
    for (const channel of channels) {
      const series = this.#channels.get(channel.channel_id) ?? VITALS.map(() => []);
      VITALS.forEach((vital, at) => {
        series[at].push(vital.value(channel));
        if (series[at].length > LENGTH + 1) series[at].shift();
      });
      this.#channels.set(channel.channel_id, series);
    }
  }

  of(id) {
    return this.#channels.get(id) ?? VITALS.map(() => []);
  }
}

export class Vitals {
  #tiles;
  #judge;

  /** @param tiles where the figures go. @param judge where the findings go. */
  constructor(tiles, judge) {
    const template = document.getElementById("vital-template");
    this.#judge = judge;
    this.#tiles = VITALS.map((vital) => {
      tiles.append(template.content.cloneNode(true));
      const tile = tiles.lastElementChild;
      tile.querySelector("figcaption").textContent = vital.title;
      return tile;
    });
  }

  show(channel, history, nowMs) {
    VITALS.forEach((vital, at) => {
      const value = vital.value(channel);
      const tile = this.#tiles[at];
      tile.querySelector(".figure").textContent = value === null ? "–" : (vital.text ?? count)(value);
      tile.querySelector(".detail").textContent = vital.detail(channel, nowMs);
      const series = history[at];
      vital.draw(tile.querySelector("svg"), vital.draw === bars ? growth(series) : series.slice(-LENGTH));
      tile.classList.toggle("quiet", vital.draw === bars && !value);
    });
    judged(this.#judge, channel.stream);
  }
}

/** How much a count grew from each value to the next. One that fell has begun anew. */
function growth(series) {
  return series.slice(1).map((value, at) => (value === null ? null : value - Math.min(series[at] ?? value, value)));
}

function judged(element, stream) {
  const verdict = document.createElement("p");
  const list = document.createElement("ul");
  const findings = stream?.findings ?? [];
  for (const { check, severity, count: times } of findings) {
    const item = document.createElement("li");
    item.className = severity;
    item.textContent = `${check} × ${count(times)}`;
    list.append(item);
  }
  const [mark, text] = verdictOf(stream, findings);
  verdict.className = `verdict ${mark}`;
  verdict.textContent = text;
  element.replaceChildren(verdict, list);
}

function verdictOf(stream, findings) {
  if (stream === null) return ["", "Off, so there is no stream to judge."];
  if (findings.some(({ severity }) => severity === "hard")) return ["bad", "The judge finds faults in the stream:"];
  if (findings.length > 0) return ["good", "The stream keeps the norm; the judge noted:"];
  return ["good", "The judge finds nothing wrong with the stream."];
}
