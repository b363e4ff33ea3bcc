// The connection to a stream, for mpegts.js. Its own one closes, in Chromium, only when the next bytes come: never, if
// the page has been left by then.

/** The loader class for the configuration of a player. */
export function loaderClass({ BaseLoader, LoaderErrors, LoaderStatus }) {
  return class extends BaseLoader {
    #abort = new AbortController();

    constructor() {
      super("air");
    }

    async open({ url }) {
      const { signal } = this.#abort;
      this._status = LoaderStatus.kConnecting;
      try {
        const response = await fetch(url, { cache: "no-store", signal });
        if (!response.ok) {
          this.#fail(LoaderErrors.HTTP_STATUS_CODE_INVALID, response.status, response.statusText);
          return;
        }
        this._status = LoaderStatus.kBuffering;
        const received = await this.#pass(response.body.getReader());
        this._status = LoaderStatus.kComplete;
        this.onComplete(0, received - 1);
      } catch (error) {
        if (!signal.aborted) this.#fail(LoaderErrors.EXCEPTION, -1, error.message);
      }
    }

    abort() {
      this._status = LoaderStatus.kComplete;
      this.#abort.abort();
    }

    destroy() {
      this.abort();
      super.destroy();
    }

    /** Hands on what comes until the end, and says how many bytes there were. */
    async #pass(reader) {
      let received = 0;
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return received;
        received += value.byteLength;
        this.onDataArrival(value.buffer, received - value.byteLength, received);
      }
    }

    #fail(type, code, msg) {
      this._status = LoaderStatus.kError;
      this.onError(type, { code, msg });
    }
  };
}
