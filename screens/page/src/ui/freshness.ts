/** Whether the picture is alive, and the words when it is not: a frozen map must not look calm. */
import type { Feed } from "../data/types";
import { duration, learnNow, ms, nowMs, timeOfDay } from "../data/time";
import { h, setText } from "./dom";
import { lang, t } from "./i18n";

export class Freshness {
  private readonly words = h("strong");
  private readonly age = h("span", { attrs: { "aria-hidden": "true" } });
  readonly banner = h("div", { class: "stale-banner", attrs: { role: "alert" } }, h("p", {}, this.words, this.age));
  readonly state = h("span", { class: "live-state", attrs: { "data-live": "connecting" } });
  private readonly lostMs = new Map<string, number>();
  private feeds: Feed[] = [];
  private heard = false;

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
    const broker = down.find((feed) => feed.class === "kafka");
    const state = this.isLost ? "lost" : !this.heard ? "connecting" : down.length ? "partly" : "live";
    this.state.dataset["live"] = state;
    setText(this.state, this.isLost ? t("live.lost") : this.heard ? t("live.live") : t("live.connecting"));
    const frozen = this.isLost || broker !== undefined;
    this.frame.classList.toggle("is-frozen", frozen);
    this.frame.classList.toggle("has-feed-down", !frozen && down.length > 0);
    this.banner.hidden = !frozen && down.length === 0;
    if (this.banner.hidden) this.say("", "");
    else if (this.isLost) this.say(...this.lostWords());
    else if (broker) this.say(t("live.busDown", { time: clockOf(broker) }), "");
    else this.say(t("live.feedsDown", { feeds: down.map(feedWords).join(lang() === "zh" ? "、" : ", ") }), "");
  }

  /** Only the age changes from second to second: the words are not announced again for it. */
  private say(words: string, age: string): void {
    setText(this.words, words);
    setText(this.age, age);
  }

  private lostWords(): [string, string] {
    const since = Math.min(...this.lostMs.values());
    // The page's own clock tells this age: the server's is out of reach.
    const oldMs = Date.now() - since;
    return [
      t("live.lostSince", { time: timeOfDay(nowMs() - oldMs) }),
      t("live.age", { age: duration(oldMs / 1000) }),
    ];
  }
}

function feedWords(feed: Feed): string {
  return t("live.feedSince", { feed: feed.feed, time: clockOf(feed) });
}

function clockOf(feed: Feed): string {
  const since = ms(feed.since);
  return since === null ? "?" : timeOfDay(since, false);
}
