/** One subscription on the gateway's WebSocket, kept alive; says since when it is lost. */
import { CursorGate } from "./cursor";
import type { Box, Frame, Layer } from "./types";

export interface Subscription {
  layers: readonly Layer[];
  box?: Box;
  zoom?: number;
}

export interface Sink {
  frame(frame: Frame): void;
  /** `null` when frames arrive, else the page's own instant of the last one. */
  lost(sinceMs: number | null): void;
  /** A connection ended, and another will be tried. */
  retrying(): void;
}

/** The gateway says something every two seconds: this long without a word is a dead line. */
const SILENCE_MS = 6_000;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 8_000;

export class Stream {
  private gate = new CursorGate();
  private socket: WebSocket | null = null;
  private heardMs = Date.now();
  private triedMs = Date.now();
  private retryMs = FIRST_RETRY_MS;
  private timer = 0;
  private watch = 0;
  private isLost = false;
  private ended = false;

  constructor(
    private readonly url: string,
    private subscription: Subscription,
    private readonly sink: Sink,
  ) {}

  start(): void {
    this.watch = window.setInterval(() => this.listenForSilence(), 1_000);
    this.connect();
  }

  end(): void {
    this.ended = true;
    window.clearInterval(this.watch);
    window.clearTimeout(this.timer);
    this.socket?.close();
  }

  /** Ask for something else; a snapshot follows. */
  subscribe(subscription: Subscription): void {
    this.subscription = subscription;
    this.gate.cursor = null;
    if (this.socket?.readyState === WebSocket.OPEN) this.ask();
  }

  private connect(): void {
    this.triedMs = Date.now();
    const socket = new WebSocket(this.url);
    this.socket = socket;
    socket.onopen = () => this.ask();
    socket.onmessage = (message) => {
      if (socket === this.socket) this.hear(String(message.data));
    };
    socket.onclose = () => this.retry(socket);
  }

  private ask(): void {
    const cursor = this.gate.cursor;
    const wish = cursor === null ? this.subscription : { ...this.subscription, cursor };
    this.socket?.send(JSON.stringify({ subscribe: wish }));
  }

  private hear(text: string): void {
    const frame = JSON.parse(text) as Frame;
    this.heardMs = Date.now();
    this.retryMs = FIRST_RETRY_MS;
    if (this.gate.judge(frame) === "apply") this.sink.frame(frame);
    if (this.isLost) {
      this.isLost = false;
      this.sink.lost(null);
    }
  }

  private listenForSilence(): void {
    if (Date.now() - this.heardMs <= SILENCE_MS) return;
    this.lose();
    // A new connection has as long as the old one had. The closing handshake of a dead
    // one may never come: do not wait for it.
    if (Date.now() - this.triedMs > SILENCE_MS && this.socket) {
      const dead = this.socket;
      this.triedMs = Date.now();
      this.retry(dead);
      dead.close();
    }
  }

  private lose(): void {
    if (this.isLost || this.ended) return;
    this.isLost = true;
    this.sink.lost(this.heardMs);
  }

  private retry(socket: WebSocket): void {
    if (this.ended || socket !== this.socket) return;
    this.socket = null;
    this.lose();
    this.sink.retrying();
    const jitter = 0.75 + Math.random() / 2;
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.connect(), this.retryMs * jitter);
    this.retryMs = Math.min(LONGEST_RETRY_MS, this.retryMs * 2);
  }
}
