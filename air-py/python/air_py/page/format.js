// Numbers and times as people read them.

const hourAndMinute = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const number = new Intl.NumberFormat();
const oneDecimal = new Intl.NumberFormat(undefined, { minimumFractionDigits: 1, maximumFractionDigits: 1 });

/** A time of day, local: 20:15. */
export function clock(timeMs) {
  return hourAndMinute.format(timeMs);
}

export function count(value) {
  return number.format(value);
}

/** A count with its noun: 1 viewer, 2 viewers. */
export function counted(value, noun) {
  return `${count(value)} ${noun}${value === 1 ? "" : "s"}`;
}

export function bitrate(bitsPerSecond) {
  if (bitsPerSecond >= 1e6) return `${oneDecimal.format(bitsPerSecond / 1e6)} Mb/s`;
  return `${count(Math.round(bitsPerSecond / 1e3))} kb/s`;
}

export function milliseconds(value) {
  return value === null ? "–" : `${count(value)} ms`;
}

/** How long something takes or took: 45 s, 12 min, 3 h 5 min. */
export function duration(ms) {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return `${Math.max(0, Math.floor(ms / 1000))} s`;
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

const STATES = { off: "Off", starting: "Starting", on_air: "On air", restarting: "Restarting" };

/** What a channel is doing, in words. */
export function stateOf({ state }) {
  return STATES[state] ?? state;
}
