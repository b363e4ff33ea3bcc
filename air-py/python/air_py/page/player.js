// Plays a stream in a video element for as long as it is wanted. What is lost is opened again, at growing intervals.
//
// mpegts.js turns the transport stream into what the browser plays. It is fetched when the first channel is opened.

import { loaderClass } from "./connection.js";

const RETRY_MS = [500, 1000, 2000, 4000, 8000];
const CUSHION_S = 0.8; // A stream comes in real time: what is not there when playing begins never will be.
const MAX_CUSHION_S = 4; // It grows with each time it was too little.
const STUCK_MS = 8000; // Longer than any gap of a stream that is still alive.
const STEADY_S = 5; // After this long the next loss is a new one.

const CONFIG = {
  enableStashBuffer: false,
  lazyLoad: false,
  // Back to the present after the browser has slept or was paused; never while it plays as it should.
  liveBufferLatencyChasing: true,
  liveBufferLatencyMaxLatency: 8,
  liveBufferLatencyMinRemain: 1.5,
  // What has been seen is let go of. By itself a browser keeps some hundred megabytes of it: too much for a phone.
  autoCleanupSourceBuffer: true,
  autoCleanupMaxBackwardDuration: 60,
  autoCleanupMinBackwardDuration: 30,
};

export class Player {
  #video;
  #tell;
  #url = null;
  #engine = null;
  #attempt = 0;
  #cushionS = CUSHION_S;
  #cushioning = false;
  #timer;
  #watch;

  /**
   * @param video the element to play in.
   * @param tell called with what the player does: "opening", "playing", "waiting", "retrying", "unsupported" or
   *   "closed", and for people, why.
   */
  constructor(video, tell) {
    this.#video = video;
    this.#tell = tell;
    video.addEventListener("playing", () => this.#engine && tell("playing"));
    video.addEventListener("waiting", () => this.#engine && this.#wait());
  }

  /** Plays the stream at `url` until `close` or another `open`. */
  async open(url) {
    this.close();
    this.#url = url;
    this.#attempt = 0;
    this.#cushionS = CUSHION_S;
    this.#tell("opening");
    let mpegts;
    try {
      mpegts = await library();
    } catch {
      if (this.#url === url) this.#lost("The player could not be fetched.");
      return;
    }
    if (this.#url !== url) return; // meanwhile another was opened
    if (mpegts.getFeatureList().mseLivePlayback) this.#start(mpegts);
    else this.#tell("unsupported");
  }

  /** Closes the stream, which the server sees at once. */
  close() {
    if (this.#url === null) return;
    this.#url = null;
    this.#stop();
    this.#tell("closed");
  }

  #start(mpegts) {
    const source = { type: "mpegts", isLive: true, url: this.#url };
    const engine = mpegts.createPlayer(source, { ...CONFIG, customLoader: loaderClass(mpegts) });
    this.#engine = engine;
    const lost = (reason) => this.#engine === engine && this.#lost(reason);
    engine.on(mpegts.Events.ERROR, (type, detail, info) => lost(reasonOf(type, info)));
    engine.on(mpegts.Events.LOADING_COMPLETE, () => lost("The stream has ended."));
    engine.attachMediaElement(this.#video);
    engine.load();
    this.#playWhenCushioned();
    this.#watchProgress(lost);
  }

  #playWhenCushioned() {
    const video = this.#video;
    this.#cushioning = true;
    clearInterval(this.#timer);
    this.#timer = setInterval(() => {
      const { buffered } = video;
      if (buffered.length === 0 || buffered.end(buffered.length - 1) - video.currentTime < this.#cushionS) return;
      clearInterval(this.#timer);
      this.#cushioning = false;
      video.play().catch((error) => {
        if (error.name !== "NotAllowedError") return; // closed meanwhile
        video.muted = true; // what browsers let a page do unasked
        video.play().catch(() => {});
      });
    }, 40);
  }

  /** The stream came late. It will again, so more of it is kept from now on: one stall instead of many. */
  #wait() {
    this.#tell("waiting");
    this.#cushionS = Math.min(this.#cushionS * 1.5, MAX_CUSHION_S);
    this.#video.pause();
    this.#playWhenCushioned();
  }

  /** A connection can die without an end. A page that is not seen may be slowed down, so it is not judged. */
  #watchProgress(lost) {
    const video = this.#video;
    let [time, at] = [video.currentTime, Date.now()];
    clearInterval(this.#watch);
    this.#watch = setInterval(() => {
      const { played } = video;
      if (played.length > 0 && video.currentTime - played.start(0) > STEADY_S) this.#attempt = 0;
      if (video.currentTime !== time || document.hidden || (video.paused && !this.#cushioning)) {
        [time, at] = [video.currentTime, Date.now()];
      } else if (Date.now() - at > STUCK_MS) {
        lost("The stream has stopped.");
      }
    }, 500);
  }

  #lost(reason) {
    const url = this.#url;
    this.#stop();
    const wait = RETRY_MS[Math.min(this.#attempt, RETRY_MS.length - 1)];
    this.#attempt += 1;
    this.#tell("retrying", reason);
    this.#timer = setTimeout(async () => {
      try {
        const mpegts = await library();
        if (this.#url === url) this.#start(mpegts);
      } catch {
        if (this.#url === url) this.#lost(reason);
      }
    }, wait);
  }

  #stop() {
    clearTimeout(this.#timer); // an interval's too
    this.#cushioning = false;
    clearInterval(this.#watch);
    const engine = this.#engine;
    this.#engine = null;
    if (engine !== null) engine.destroy();
    this.#video.removeAttribute("src");
    this.#video.load(); // lets go of the last picture
  }
}

function reasonOf(type, info) {
  if (info?.code === 503) return "The channel cannot be put on air just now.";
  if (info?.code === 404) return "There is no such channel any more.";
  if (info?.code > 0) return `The server answers ${info.code}.`;
  return type === "MediaError" ? "The browser could not play the stream." : "The stream was lost.";
}

let loading = null;

/** mpegts.js, fetched once; again if that failed. */
function library() {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = new URL("vendor/mpegts.js", import.meta.url).href;
    script.onload = () => {
      const { mpegts } = window;
      mpegts.LoggingControl.applyConfig({ enableVerbose: false, enableDebug: false, enableInfo: false });
      resolve(mpegts);
    };
    script.onerror = () => {
      script.remove();
      loading = null;
      reject(new Error("mpegts.js"));
    };
    document.head.append(script);
  });
  return loading;
}
