/** The time machine: any minute of the last day on the same map and lists, and playing on from there. */
import { get } from "../data/api";
import { duration, nowMs, timeOfDay } from "../data/time";
import type { Box, ByLayer, Cluster, Item, Layer } from "../data/types";
import type { Shown } from "../data/view";
import { button, fill, h, setText } from "./dom";
import { onLang, t } from "./i18n";

const DAY_MIN = 1_440;
const STEP_MS = 1_000;
/** All of the city, whatever the map shows; and what is too much to have all at once. */
const MATTERS: readonly Layer[] = ["alerts", "incidents", "cases", "orders", "vessels"];
const AROUND: readonly Layer[] = ["sensors", "cameras"];

interface Past {
  layers: ByLayer<Item[]>;
  clusters: ByLayer<Cluster[]>;
}

export class TimeMachine {
  readonly element = h("section", { class: "time-machine" });
  private readonly slider = h("input", {
    attrs: { type: "range", min: -DAY_MIN, max: 0, step: 1, value: 0 },
  });
  private readonly at = h("output", { class: "past-at" });
  private readonly play = button("", () => this.toggle(), "past-play");
  private readonly back = button("", () => this.leave(), "past-back primary");
  private readonly said = h("p", { class: "past-said", attrs: { role: "status" } });
  private timer = 0;
  private asked = 0;
  private anchorMs = 0;
  private around = "";

  constructor(
    private readonly shown: Shown,
    private readonly frame: HTMLElement,
  ) {
    this.element.hidden = true;
    this.slider.addEventListener("input", () => void this.show());
    fill(this.element, this.said, this.play, this.slider, this.at, this.back);
    onLang(() => this.label());
    this.label();
  }

  get isOpen(): boolean {
    return !this.element.hidden;
  }

  /** Open at an hour ago, or go back to now. */
  switch(): void {
    if (this.isOpen) {
      this.leave();
      return;
    }
    this.element.hidden = false;
    this.anchorMs = nowMs();
    this.slider.value = "-60";
    this.slider.focus();
    void this.show();
  }

  /** The map shows something else. */
  moved(box: Box, zoom: number): void {
    this.around = `&box=${box.join(",")}&zoom=${zoom}`;
    if (this.isOpen) void this.show();
  }

  leave(): void {
    this.stop();
    this.asked += 1;
    this.element.hidden = true;
    this.frame.classList.remove("is-past");
    this.shown.showLive();
  }

  private label(): void {
    this.element.setAttribute("aria-label", t("past.title"));
    this.slider.setAttribute("aria-label", t("past.slider"));
    setText(this.back, t("past.live"));
    this.drawPlay();
    this.drawAt();
  }

  private get instantMs(): number {
    const minute = Math.floor(this.anchorMs / 60_000) * 60_000;
    return minute + Number(this.slider.value) * 60_000;
  }

  private async show(): Promise<void> {
    this.drawAt();
    const asked = ++this.asked;
    const atMs = this.instantMs;
    const at = new Date(atMs).toISOString();
    try {
      const [all, here] = await Promise.all([
        get<Past>(`/history?at=${at}&layers=${MATTERS.join(",")}`),
        get<Past>(`/history?at=${at}&layers=${AROUND.join(",")}${this.around}`),
      ]);
      if (asked !== this.asked) return;
      const none = Object.fromEntries([...MATTERS, ...AROUND].map((layer) => [layer, []]));
      this.shown.showPast(atMs, { ...none, ...all.layers, ...here.layers }, here.clusters);
      this.frame.classList.add("is-past");
      this.drawAt();
    } catch (error) {
      if (asked === this.asked) setText(this.said, t("app.failed", { why: (error as Error).message }));
    }
  }

  private toggle(): void {
    if (this.timer) this.stop();
    else {
      this.timer = window.setInterval(() => {
        const next = Number(this.slider.value) + 1;
        if (next > 0) this.leave();
        else {
          this.slider.value = String(next);
          void this.show();
        }
      }, STEP_MS);
    }
    this.drawPlay();
  }

  private stop(): void {
    window.clearInterval(this.timer);
    this.timer = 0;
    this.drawPlay();
  }

  private drawPlay(): void {
    setText(this.play, this.timer ? t("past.pause") : t("past.play"));
    this.play.setAttribute("aria-pressed", String(this.timer !== 0));
  }

  private drawAt(): void {
    const time = timeOfDay(this.instantMs, false);
    setText(this.at, `−${duration(-Number(this.slider.value) * 60)}`);
    this.slider.setAttribute("aria-valuetext", time);
    setText(this.said, t("past.banner", { time }));
  }
}
