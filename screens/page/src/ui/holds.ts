/** What is held back: the city's modes, and silences in force with owner, reason and end. */
import { tellOutcome } from "../cards/actions";
import { form, type Action, type Values } from "../cards/forms";
import type { Command, Commands } from "../data/commands";
import { duration, ms, nowMs, timeOfDay } from "../data/time";
import type { Hold } from "../data/types";
import type { Shown } from "../data/view";
import { button, fill, h, setText } from "./dom";
import { lang, onLang, t, word } from "./i18n";
import { may } from "./session";

const MODE_ON: Action = { name: "mode-on", right: "mode-on", topic: "incident", fields: ["second", "reason"] };
const MODE_OFF: Action = { name: "mode-off", right: "mode-off", topic: "incident", fields: ["second", "reason"] };
const UNSILENCE: Action = { name: "unsilence", right: "unsilence", topic: "incident", fields: ["reason"] };

export class Holds {
  readonly element = h("section", { class: "holds", attrs: { tabindex: -1 } });
  /** In sight of everybody as long as anything is held back: a muted city must not look calm. */
  readonly banner = h("p", { class: "holds-banner", attrs: { role: "status" } });
  private readonly title = h("h2");
  private readonly modes = h("ul", { class: "hold-list" });
  private readonly silences = h("ul", { class: "hold-list" });
  private readonly formPlace = h("div");
  private readonly answer = h("p", { class: "answer", attrs: { role: "status", "aria-live": "polite" } });
  private ends: (() => void)[] = [];

  constructor(
    private readonly shown: Shown,
    private readonly commands: Commands,
    private readonly cityModes: readonly string[],
  ) {
    this.element.hidden = true;
    fill(this.element, this.title, this.modes, this.silences, this.formPlace, this.answer);
    shown.live.on(["holds"], () => this.draw());
    onLang(() => this.draw());
    this.draw();
  }

  get isOpen(): boolean {
    return !this.element.hidden;
  }

  switch(): void {
    this.element.hidden = !this.element.hidden;
    fill(this.formPlace);
    setText(this.answer, "");
    this.draw();
    if (this.isOpen) this.element.querySelector("button")?.focus();
  }

  /** Once a second. */
  tick(): void {
    for (const tell of this.ends) tell();
  }

  private draw(): void {
    const all = [...this.shown.live.all<Hold>("holds").values()];
    const silences = all.filter((one) => one.kind === "silence");
    const on = new Map(all.filter((one) => one.kind === "mode").map((one) => [one.mode ?? "", one]));
    setText(this.title, t("holds.title"));
    this.drawBanner(on, silences.length);
    this.ends = [];
    // A mode that is on, but no longer of the city's rules, is shown all the same.
    const names = [...new Set([...this.cityModes, ...on.keys()])];
    fill(this.modes, ...names.map((name) => this.mode(name, on.get(name))));
    fill(
      this.silences,
      h("li", { class: "note" }, silences.length ? t("holds.silences", { n: silences.length }) : t("holds.none")),
      ...silences.map((one) => this.silence(one)),
    );
  }

  private drawBanner(on: ReadonlyMap<string, Hold>, silences: number): void {
    const words = [...on.values()].map((one) => t("holds.modeOn", { mode: word("mode", one.mode), time: clockOf(one), by: signed(one) }));
    if (silences) words.push(t("holds.silences", { n: silences }));
    setText(this.banner, words.join(lang() === "zh" ? "；" : " · "));
    this.banner.hidden = words.length === 0;
  }

  private mode(name: string, on: Hold | undefined): HTMLElement {
    const action = on ? MODE_OFF : MODE_ON;
    return h(
      "li",
      { attrs: { "data-mode": name, "data-on": String(on !== undefined) } },
      h("strong", {}, word("mode", name)),
      h("span", {}, on ? t("holds.since", { time: clockOf(on), by: signed(on) }) : t("holds.off")),
      on?.reason ? h("em", {}, on.reason) : null,
      this.doer(action, { mode: name }),
    );
  }

  private silence(one: Hold): HTMLElement {
    const covers = [...(one.kinds ?? []).map((kind) => word("kind", kind)), one.area ?? "", ...(one.subjects ?? [])];
    const end = h("span");
    const tell = () => {
      const untilMs = ms(one.until_time) ?? nowMs();
      setText(end, t("holds.until", { time: timeOfDay(untilMs, false), left: duration((untilMs - nowMs()) / 1000) }));
    };
    tell();
    this.ends.push(tell);
    return h(
      "li",
      { attrs: { "data-silence": one.id } },
      h("strong", {}, covers.filter(Boolean).join(" · ")),
      h("span", {}, signed(one)),
      h("em", {}, one.reason ?? ""),
      end,
      this.doer(UNSILENCE, { silence_id: one.id }),
    );
  }

  private doer(action: Action, about: Record<string, string>): HTMLElement | false {
    if (!may(action.right)) return false;
    return button(t(`act.${action.name}` as "act.unsilence"), () => this.begin(action, about), "small", { "data-action": action.name });
  }

  private begin(action: Action, about: Record<string, string>): void {
    if (this.shown.pastMs !== null) {
      setText(this.answer, t("act.past"));
      return;
    }
    const shut = () => {
      fill(this.formPlace);
      this.element.focus();
    };
    const send = (values: Values) => {
      shut();
      const command: Command = { topic: "incident", action: action.name, ...about, reason: values.reason ?? "" };
      if (values.second) command["second"] = values.second;
      void this.commands.send(command, (outcome) => tellOutcome(this.answer, outcome));
    };
    fill(this.formPlace, form(action, send, shut));
    this.formPlace.querySelector<HTMLElement>("input, textarea")?.focus();
  }
}

function signed(one: Hold): string {
  return [one.by, one.second].filter(Boolean).join(" + ");
}

function clockOf(one: Hold): string {
  const since = ms(one.from_time);
  return since === null ? "?" : timeOfDay(since, false);
}
