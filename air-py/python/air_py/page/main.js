// Ties the page together: asks how the channels stand, shows it, follows the address (#1 is channel 1) and the keys.

import { address, channels } from "./api.js";
import { clock, counted } from "./format.js";
import { Guide } from "./guide.js";
import { Stage } from "./stage.js";
import { History } from "./vitals.js";

const POLL_MS = 2000;
const SETTLED_MS = 500; // after a channel was opened or closed

const $ = (id) => document.getElementById(id);
const guide = new Guide($("channels"));
const stage = new Stage();
const history = new History();
let known = [];
let offsetMs = 0; // of the server's clock from ours
let polling;

function nowMs() {
  return Date.now() + offsetMs;
}

async function poll() {
  clearTimeout(polling);
  try {
    const answer = await channels();
    offsetMs = answer.time_ms - Date.now();
    known = answer.channels;
    history.add(known);
    $("version").textContent = `Air ${answer.version}`;
    $("empty").hidden = known.length > 0;
    trouble(null);
    follow();
  } catch (error) {
    const silent = error.name === "TimeoutError" || error instanceof TypeError; // as fetch has it
    trouble(silent ? "The server does not answer. Trying again…" : error.message);
  }
  if (!document.hidden) polling = setTimeout(poll, POLL_MS);
}

function trouble(message) {
  $("trouble").hidden = message === null;
  $("trouble").textContent = message ?? "";
}

function isNamed(channel) {
  return `#${channel.channel_id}` === location.hash;
}

/** Opens the channel that the address names, or closes the one that it no longer names. */
function follow() {
  const wanted = known.find(isNamed);
  if (wanted) stage.open(wanted);
  else stage.close();
  document.body.classList.toggle("watching", wanted !== undefined);
  show();
}

function show() {
  const open = known.find((channel) => channel.channel_id === stage.id);
  guide.show(known, nowMs(), stage.id);
  if (open) stage.show(open, history.of(open.channel_id), nowMs());
  document.title = open ? `${open.name} · Air` : "Air";
  const viewers = known.reduce((sum, channel) => sum + channel.viewers, 0);
  $("summary").textContent = `${counted(known.length, "channel")}, ${counted(viewers, "viewer")}`;
  $("clock").textContent = clock(nowMs());
}

function leave() {
  const id = stage.id;
  if (id === null) return;
  location.hash = "";
  guide.focus(id);
}

/** The channel after the open one, or by -1 the one before, round and round. */
function zap(by) {
  const at = known.findIndex(isNamed); // by the address, which is ahead of the stage when keys come fast
  if (at >= 0) location.replace(`#${known[(at + by + known.length) % known.length].channel_id}`);
}

const KEYS = {
  ArrowDown: () => guide.step(1),
  ArrowUp: () => guide.step(-1),
  PageDown: () => zap(1),
  PageUp: () => zap(-1),
  Escape: leave,
  f: () => stage.id !== null && stage.fullscreen(),
  m: () => stage.mute(),
};

addEventListener("keydown", (event) => {
  const key = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!key || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key.startsWith("Arrow") && event.target.id === "video") return; // it has keys of its own
  if (event.key.startsWith("Page") && stage.id === null) return; // nothing to zap: it scrolls
  event.preventDefault();
  key();
});

addEventListener("hashchange", () => {
  follow();
  if (stage.id !== null) scrollTo({ top: 0 });
  clearTimeout(polling);
  polling = setTimeout(poll, SETTLED_MS);
});
document.addEventListener("visibilitychange", () => !document.hidden && poll());
$("close").addEventListener("click", leave);
for (const link of document.querySelectorAll("[data-path]")) link.href = address(link.dataset.path);

poll();
