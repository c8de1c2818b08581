/** The frame of the page: header, figures, lists, map, card; and its two layouts. */
import { dateOf, nowMs, timeOfDay } from "../data/time";
import type { City, Person } from "../data/types";
import { button, fill, h, setText, type Child } from "./dom";
import { lang, locale, onLang, setLang, t, word } from "./i18n";
import type { Key } from "./strings";

export type Layout = "wall" | "desk";

/** What the shell holds; each part is made by the module that keeps it. */
export interface Parts {
  liveState: HTMLElement;
  banner: HTMLElement;
  alarm: HTMLElement;
  kpi: HTMLElement;
  search: HTMLElement;
  sound: HTMLElement;
  lists: HTMLElement;
  card: HTMLElement;
  layers: HTMLElement;
  blind: HTMLElement;
  holds: HTMLElement;
  holdsBanner: HTMLElement;
  timeMachine: HTMLElement;
  toasts: HTMLElement;
  help: HTMLElement;
}

export interface Tool {
  what: Key;
  key: string;
  run(): void;
}

export class Shell {
  readonly frame = h("div", { class: "frame" });
  readonly mapBox = h("div", { class: "map", attrs: { id: "map" } });
  private readonly clock = h("time", { class: "clock-now" });
  private readonly date = h("span", { class: "date-now" });
  private readonly name = h("h1");
  private readonly who = h("span", { class: "who" });
  private readonly tools: { tool: Tool; element: HTMLButtonElement }[] = [];
  private readonly main = h("main", { class: "main" });
  private readonly skip = h("a", { class: "skip", attrs: { href: "#lists" } });
  layout: Layout;

  constructor(
    private readonly city: City,
    private readonly person: Person,
  ) {
    this.layout = new URLSearchParams(location.search).get("layout") === "wall" ? "wall" : "desk";
    this.applyLayout();
  }

  build(root: HTMLElement, parts: Parts, tools: readonly Tool[], logOut: () => void): void {
    for (const tool of tools) this.tools.push({ tool, element: button("", tool.run, "tool", { "data-tool": tool.what }) });
    const langTool = button("", () => setLang(lang() === "zh" ? "en" : "zh"), "tool lang");
    const out = button("", logOut, "tool");
    const map: Child[] = [this.mapBox, parts.layers, parts.blind, parts.holds, parts.timeMachine];
    fill(
      this.main,
      parts.lists,
      h("div", { class: "map-area" }, ...map, h("div", { class: "frozen-veil", attrs: { "aria-hidden": "true" } })),
      parts.card,
    );
    fill(
      this.frame,
      this.skip,
      h(
        "header",
        { class: "header" },
        h("div", { class: "brand" }, this.name, parts.liveState),
        parts.search,
        h("nav", { class: "tools" }, ...this.tools.map(({ element }) => element), parts.sound, langTool, h("span", { class: "who-box" }, this.who, out)),
        h("div", { class: "now" }, this.date, this.clock),
      ),
      h("div", { class: "banners" }, parts.alarm, parts.banner, parts.holdsBanner),
      parts.kpi,
      this.main,
      parts.toasts,
      parts.help,
      h("div", { class: "flash", attrs: { "aria-hidden": "true" } }),
    );
    const words = () => {
      const city = (lang() === "zh" ? this.city.names.zh : this.city.names.en) ?? this.city.code;
      setText(this.name, t("app.of", { city }));
      document.title = t("app.of", { city });
      setText(this.skip, t("app.skip"));
      setText(langTool, lang() === "zh" ? "EN" : "中文");
      langTool.setAttribute("aria-label", lang() === "zh" ? "English" : "中文");
      setText(out, t("app.logout"));
      setText(this.who, [this.person.name, word("role", this.person.role)].filter(Boolean).join(" · "));
      for (const { tool, element } of this.tools) {
        setText(element, t(tool.what));
        element.title = `${t(tool.what)} (${tool.key})`;
      }
      this.mapBox.setAttribute("aria-label", t("app.map"));
      this.tick();
    };
    onLang(words);
    words();
    fill(root, this.frame);
  }

  tick(): void {
    const now = nowMs();
    setText(this.clock, timeOfDay(now));
    setText(this.date, dateOf(now, locale()));
  }

  press(what: Key, pressed: boolean): void {
    this.tools.find(({ tool }) => tool.what === what)?.element.setAttribute("aria-pressed", String(pressed));
  }

  switchLayout(): void {
    this.layout = this.layout === "wall" ? "desk" : "wall";
    this.applyLayout();
    const address = new URL(location.href);
    address.searchParams.set("layout", this.layout);
    history.replaceState(null, "", address);
  }

  private applyLayout(): void {
    document.documentElement.dataset["layout"] = this.layout;
  }
}
