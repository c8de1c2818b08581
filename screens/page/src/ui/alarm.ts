/** Danger to life: banner, flash and sound until somebody says that they have seen it. */
import type { Alert } from "../data/types";
import type { Shown } from "../data/view";
import { dangers } from "../lists/matters";
import { button, fill, h } from "./dom";
import { onLang, t, word } from "./i18n";
import type { Sound } from "./sound";

export class Alarm {
  readonly element = h("section", { class: "alarm", attrs: { role: "alert" } });
  private readonly seen = new Set<string>();
  private drawn = "";

  constructor(
    private readonly shown: Shown,
    private readonly sound: Sound,
    private readonly frame: HTMLElement,
    private readonly follow: (alert: Alert) => void,
    private readonly raised: (alert: Alert) => void,
  ) {
    this.element.hidden = true;
    // Danger is told of the city as it is, also while the past is on show.
    shown.live.on(["alerts"], () => this.look());
    onLang(() => {
      this.drawn = "";
      this.look();
    });
  }

  /** Somebody has seen them all: no more sound and flash for these. */
  quiet(): void {
    for (const alert of dangers(this.shown.live)) this.seen.add(alert.id);
    this.look();
  }

  private look(): void {
    const all = dangers(this.shown.live);
    const open = new Set(all.map((alert) => alert.id));
    for (const id of this.seen) if (!open.has(id)) this.seen.delete(id);
    const fresh = all.filter((alert) => !this.seen.has(alert.id));
    const drawn = fresh.map((alert) => alert.id + alert.sentence).join("\n");
    const before = new Set(this.drawn.split("\n").map((line) => line.slice(0, 36)));
    if (drawn === this.drawn) return;
    const news = fresh.find((alert) => !before.has(alert.id.slice(0, 36)));
    this.drawn = drawn;
    this.frame.classList.toggle("is-alarmed", fresh.length > 0);
    this.element.hidden = fresh.length === 0;
    if (fresh.length) this.sound.alarm();
    else this.sound.quiet();
    fill(this.element, ...this.content(fresh));
    if (news) this.raised(news);
  }

  private content(fresh: readonly Alert[]): Node[] {
    const first = fresh[0];
    if (!first) return [];
    return [
      h("strong", { class: "alarm-word" }, t("alarm.banner")),
      h("span", { class: "alarm-kind" }, word("kind", first.kind), fresh.length > 1 ? ` +${fresh.length - 1}` : ""),
      h("span", { class: "alarm-sentence" }, first.sentence ?? first.subject ?? ""),
      button(t("alarm.follow"), () => this.follow(first), "alarm-button"),
      button(t("alarm.quiet"), () => this.quiet(), "alarm-button"),
    ];
  }
}
