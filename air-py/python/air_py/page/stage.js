// The channel that is open: its picture, what is on, what comes later, how it stands.

import { address, guide } from "./api.js";
import { clock } from "./format.js";
import { badge, elapsed } from "./guide.js";
import { Player } from "./player.js";
import { Vitals } from "./vitals.js";

const LATER_MS = 6 * 3_600_000;
const LATER_COUNT = 6;

const $ = (id) => document.getElementById(id);

export class Stage {
  #video = $("video");
  #player = new Player(this.#video, (state, reason) => this.#tell(state, reason));
  #vitals = new Vitals($("vitals"), $("judge"));
  #channel = null;
  #laterFor = null;

  constructor() {
    $("health").open = matchMedia("(min-width: 40rem)").matches; // on a phone the other channels come first
    $("unmute").addEventListener("click", () => this.mute(false));
    $("copy").addEventListener("click", () => this.#copy());
    this.#video.addEventListener("volumechange", () => this.#showMuted());
    addEventListener("pagehide", () => this.#player.close());
    addEventListener("pageshow", (event) => event.persisted && this.#channel && this.#play(this.#channel));
  }

  /** The id of the open channel, or null. */
  get id() {
    return this.#channel?.channel_id ?? null;
  }

  open(channel) {
    if (this.id === channel.channel_id) return;
    this.#channel = channel;
    this.#laterFor = null;
    $("later").replaceChildren();
    $("stage").hidden = false;
    this.#offer(channel);
    this.#play(channel);
  }

  close() {
    if (this.#channel === null) return;
    this.#channel = null;
    this.#player.close();
    $("stage").hidden = true;
    if (document.fullscreenElement) document.exitFullscreen();
  }

  /** Shows how the open channel stands. */
  show(channel, history, nowMs) {
    this.#channel = channel;
    const { now } = channel;
    $("number").textContent = channel.channel_id;
    $("name").textContent = channel.name;
    badge($("state"), channel);
    $("programme").textContent = now.title;
    $("description").textContent = now.description;
    $("begins").textContent = clock(now.start_ms);
    $("ends").textContent = clock(now.end_ms);
    $("progress").value = elapsed(now, nowMs);
    this.#vitals.show(channel, history, nowMs);
    if (this.#laterFor !== now.start_ms) this.#showLater(channel, nowMs);
  }

  mute(muted = !this.#video.muted) {
    this.#video.muted = muted;
  }

  fullscreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.#video.parentElement.requestFullscreen?.();
  }

  #play(channel) {
    this.#player.open(address(channel.url));
  }

  #tell(state, reason = "") {
    const messages = {
      opening: "Tuning in…",
      waiting: "Waiting for the stream…",
      retrying: `${reason} Trying again…`,
      unsupported: "This browser cannot play the stream itself. Open it in a player, or copy its address into one.",
    };
    $("veil").hidden = state === "playing" || state === "closed";
    $("veil").dataset.state = state;
    $("message").textContent = messages[state] ?? "";
    this.#video.hidden = state === "unsupported";
    this.#showMuted();
  }

  #showMuted() {
    $("unmute").hidden = !this.#video.muted || !$("veil").hidden;
  }

  async #showLater(channel, nowMs) {
    this.#laterFor = channel.now.start_ms;
    try {
      const { channels } = await guide(nowMs, nowMs + LATER_MS);
      if (this.id !== channel.channel_id) return;
      const airings = channels.find((entry) => entry.channel_id === channel.channel_id)?.airings ?? [];
      const later = airings.filter((airing) => airing.start_ms > nowMs && !airing.is_filler).slice(0, LATER_COUNT);
      $("later").replaceChildren(...later.map(item));
    } catch {
      this.#laterFor = null; // asked again with the next status
    }
  }

  /** A playlist of this channel alone: systems know which player opens one. */
  #offer(channel) {
    const name = channel.name.replace(/[\r\n,]+/g, " ");
    const text = `#EXTM3U\n#EXTINF:-1,${name}\n${address(channel.url)}\n`;
    $("open").href = `data:audio/x-mpegurl;charset=utf-8,${encodeURIComponent(text)}`;
    $("open").download = `${channel.name.replace(/[^\p{L}\p{N} ._-]+/gu, "_")}.m3u`;
  }

  async #copy() {
    const url = address(this.#channel.url);
    try {
      await navigator.clipboard.writeText(url);
      $("copy").textContent = "Copied";
      setTimeout(() => ($("copy").textContent = "Copy address"), 1500);
    } catch { // only secure pages may
      prompt("The address of the stream:", url);
    }
  }
}

function item(airing) {
  const element = document.createElement("li");
  const time = document.createElement("time");
  const title = document.createElement("span");
  time.textContent = clock(airing.start_ms);
  title.textContent = airing.title;
  element.append(time, title);
  return element;
}
