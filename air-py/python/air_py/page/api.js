// What the page asks the server for. The page's own token, if it has one, goes with every request.

const TIMEOUT_MS = 8000;

const token = new URLSearchParams(location.search).get("token");

/** The absolute URL of a path on the server, which may be under another path itself. */
export function address(path, query = {}) {
  const url = new URL(path.replace(/^\//, ""), document.baseURI);
  url.search = new URLSearchParams(token === null ? query : { ...query, token });
  url.hash = "";
  return url.href;
}

/** How every channel stands: {time_ms, version, channels}. */
export function channels() {
  return get("api/channels");
}

/** What is on from one time until another, in UTC milliseconds: {channels: [{channel_id, airings}]}. */
export function guide(fromMs, toMs) {
  return get("api/guide", { from_ms: Math.floor(fromMs), to_ms: Math.floor(toMs) });
}

async function get(path, query) {
  const response = await answered(address(path, query));
  if (response.status === 401) throw new Error("The server wants a token: add ?token=… to the address of this page.");
  if (!response.ok) throw new Error(`The server answers ${response.status}.`);
  return response.json();
}

async function answered(url) {
  try {
    return await fetch(url, { cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch {
    throw new Error("The server does not answer. Trying again…");
  }
}
