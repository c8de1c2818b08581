/** Whether the picture is alive, and the words when it is not: a frozen map must not look calm. */
import type { Feed } from "../data/types";
import { duration, learnNow, ms, nowMs, timeOfDay } from "../data/time";
import { fill, h, setText } from "./dom";
import { t } from "./i18n";

export class Freshness {
  readonly banner = h("div", { class: "stale-banner", attrs: { role: "alert" } });
  readonly state = h("span", { class: "live-state", attrs: { "data-live": "connecting" } });
  private readonly lostMs = new Map<string, number>();
  private feeds: Feed[] = [];
  private heard = false;
  private shownAs = "";

  constructor(private readonly frame: HTMLElement) {
    this.draw();
  }

  health(now: string, feeds: Feed[]): void {
    learnNow(now);
    this.heard = true;
    this.feeds = feeds;
    this.draw();
  }

  /** A stream of that name is lost since then; null when it is back. */
  lost(stream: string, sinceMs: number | null): void {
    if (sinceMs === null) this.lostMs.delete(stream);
    else if (!this.lostMs.has(stream)) this.lostMs.set(stream, sinceMs);
    this.draw();
  }

  get isLost(): boolean {
    return this.lostMs.size > 0;
  }

  /** Once a second, for the ages. */
  tick(): void {
    this.draw();
  }

  private draw(): void {
    const down = this.feeds.filter((feed) => feed.stale);
    const state = this.isLost ? "lost" : !this.heard ? "connecting" : down.length ? "partly" : "live";
    this.state.dataset["live"] = state;
    const words = this.isLost ? t("live.lost") : this.heard ? t("live.live") : t("live.connecting");
    setText(this.state, words);
    this.frame.classList.toggle("is-frozen", this.isLost);
    this.frame.classList.toggle("has-feed-down", !this.isLost && down.length > 0);
    const lines = this.isLost ? [this.lostLine()] : down.map((feed) => feedLine(feed));
    const shown = lines.map((line) => line.join("\n")).join("\n\n");
    if (shown === this.shownAs) return;
    const sameShape = !this.isLost || this.banner.childElementCount !== 1 || !this.shownAs;
    this.shownAs = shown;
    this.banner.hidden = lines.length === 0;
    const age = this.banner.querySelector("[data-age]");
    // Only the age changes from second to second: the alert is not announced again for it.
    if (!sameShape && age && lines[0]) setText(age, lines[0][1]);
    else fill(this.banner, ...lines.map(([said, old]) => line(said, old)));
  }

  private lostLine(): [string, string] {
    const since = Math.min(...this.lostMs.values());
    // The page's own clock tells this age: the server's is out of reach.
    const age = (Date.now() - since) / 1000;
    const at = nowMs() - (Date.now() - since);
    return [t("live.lostSince", { time: timeOfDay(at) }), t("live.age", { age: duration(age) })];
  }
}

function feedLine(feed: Feed): [string, string] {
  const since = ms(feed.since);
  const said =
    since === null
      ? t("live.feedNever", { feed: feed.feed })
      : t("live.feedDown", { feed: feed.feed, time: timeOfDay(since, false) });
  return [said, ""];
}

function line(said: string, old: string): HTMLElement {
  return h(
    "p",
    {},
    h("strong", {}, said),
    old ? h("span", { attrs: { "data-age": true, "aria-hidden": "true" } }, old) : null,
  );
}
