// The list of channels, each with what is on now and next. It updates in place: nothing flickers or loses the focus.

import { clock, stateOf } from "./format.js";

export class Guide {
  /** @param list the element that holds a list item per channel. */
  constructor(list) {
    this.list = list;
    this.template = document.getElementById("channel-template");
    this.cards = new Map();
  }

  /** Shows `channels` as they stand at `nowMs`; the one with the id `watched` is marked. */
  show(channels, nowMs, watched) {
    const ids = new Set(channels.map((channel) => channel.channel_id));
    for (const [id, card] of this.cards) {
      if (!ids.has(id)) {
        card.parentElement.remove();
        this.cards.delete(id);
      }
    }
    channels.forEach((channel, at) => {
      const card = this.cards.get(channel.channel_id) ?? this.#add(channel.channel_id);
      const there = this.list.children[at] ?? null;
      if (there !== card.parentElement) this.list.insertBefore(card.parentElement, there);
      fill(card, channel, nowMs, channel.channel_id === watched);
    });
  }

  /** Moves the focus to the next card, or by -1 to the one before. */
  step(by) {
    const links = [...this.list.querySelectorAll("a")];
    const at = links.indexOf(document.activeElement);
    links[at < 0 ? 0 : Math.min(Math.max(at + by, 0), links.length - 1)]?.focus();
  }

  focus(id) {
    this.cards.get(id)?.focus({ preventScroll: true });
  }

  #add(id) {
    const item = document.importNode(this.template.content, true).firstElementChild;
    const card = item.firstElementChild;
    card.href = `#${id}`;
    card.querySelector(".number").textContent = id;
    this.cards.set(id, card);
    return card;
  }
}

function fill(card, channel, nowMs, watched) {
  const { now, next } = channel;
  logo(card.querySelector("img"), card.querySelector(".number"), channel.logo);
  text(card, ".name", channel.name);
  badge(card.querySelector(".badge"), channel);
  text(card, ".title", now.title);
  text(card, ".until", `until ${clock(now.end_ms)}`);
  const progress = card.querySelector("progress");
  progress.value = elapsed(now, nowMs);
  progress.setAttribute("aria-label", `${Math.round(progress.value * 100)} % of ${now.title}`);
  text(card, ".next time", clock(next.start_ms));
  text(card, ".next span", next.title);
  if (watched) card.setAttribute("aria-current", "true");
  else card.removeAttribute("aria-current");
}

/** What a channel is doing, and for how many, as a badge. */
export function badge(element, channel) {
  const { state, viewers } = channel;
  element.dataset.state = state;
  element.textContent = state === "on_air" && viewers > 0 ? `${stateOf(channel)} · ${viewers}` : stateOf(channel);
  element.title = viewers === 1 ? "1 viewer" : `${viewers} viewers`;
}

/** Which part of an airing is over, from 0 to 1. */
export function elapsed(airing, nowMs) {
  const part = (nowMs - airing.start_ms) / (airing.end_ms - airing.start_ms);
  return Math.min(Math.max(part, 0), 1);
}

function logo(image, number, source) {
  if (image.dataset.source === (source ?? "")) return;
  image.dataset.source = source ?? "";
  const show = (shown) => {
    image.hidden = !shown;
    number.hidden = shown;
  };
  show(false);
  image.onload = () => show(true);
  if (source) image.src = source;
  else image.removeAttribute("src");
}

function text(card, selector, value) {
  const element = card.querySelector(selector);
  if (element.textContent !== value) element.textContent = value;
}
