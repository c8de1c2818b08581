/** Blind spots: micro-grids without a working sense of a kind, and why. */
import type { Map as GlMap } from "maplibre-gl";
import { get } from "../data/api";
import { button, fill, h } from "../ui/dom";
import { onLang, t, word } from "../ui/i18n";
import type { Colour } from "./palette";

/** Of one kind of sense: micro-grids without it, why, and (when asked for the kind) which. */
interface Blind {
  blind: number;
  working?: number;
  reasons: Record<string, number>;
  micro_grids?: { micro_grid: string; reason: string }[];
}

export class BlindSpots {
  readonly element = h("section", { class: "blind" });
  private kinds: Record<string, Blind> = {};
  private chosen = "";
  private drawn = false;

  constructor(
    private readonly map: () => GlMap | null,
    private readonly colours: Record<Colour, string>,
    private readonly hasGrid: boolean,
  ) {
    this.element.hidden = true;
    onLang(() => this.draw());
  }

  get isOpen(): boolean {
    return !this.element.hidden;
  }

  async switch(): Promise<void> {
    this.element.hidden = !this.element.hidden;
    if (this.element.hidden) {
      this.paint();
      return;
    }
    fill(this.element, h("p", { class: "note" }, t("app.loading")));
    await this.load();
  }

  /** Ask for the counts of all kinds, and for the micro-grids of the one that is shown. */
  private async load(): Promise<void> {
    try {
      this.kinds = (await get<{ kinds: Record<string, Blind> }>("/blind")).kinds;
      if (!(this.chosen in this.kinds)) this.chosen = Object.keys(this.kinds)[0] ?? "";
      if (this.chosen) {
        const one = await get<{ kinds: Record<string, Blind> }>(`/blind?kind=${encodeURIComponent(this.chosen)}`);
        Object.assign(this.kinds, one.kinds);
      }
      this.draw();
    } catch (error) {
      fill(this.element, h("p", { class: "note" }, t("app.failed", { why: (error as Error).message })));
    }
  }

  private draw(): void {
    if (!this.isOpen) return;
    const now = this.kinds[this.chosen];
    fill(
      this.element,
      h("h2", {}, t("blind.title")),
      h(
        "ul",
        { class: "blind-kinds" },
        ...Object.entries(this.kinds).map(([kind, { blind }]) =>
          h("li", {}, button(`${word("kind", kind)} ${blind}`, () => this.choose(kind), "small", { "aria-pressed": String(kind === this.chosen) })),
        ),
      ),
      h(
        "ul",
        { class: "blind-reasons" },
        ...Object.entries(now?.reasons ?? {}).map(([reason, count]) =>
          h("li", {}, h("strong", {}, word("blind", reason)), h("span", {}, t("blind.count", { n: count }))),
        ),
      ),
      now?.working === undefined ? null : h("p", { class: "note" }, t("blind.share", { n: now.working })),
    );
    this.paint();
  }

  private choose(kind: string): void {
    this.chosen = kind;
    void this.load();
  }

  private paint(): void {
    const map = this.map();
    if (!map || !this.hasGrid) return;
    if (!this.drawn) {
      this.drawn = true;
      map.addLayer(
        {
          id: "blind", type: "fill", source: "micro_grids",
          paint: { "fill-color": this.colours.blind, "fill-opacity": ["case", ["boolean", ["feature-state", "blind"], false], 0.55, 0] },
        },
        "communities-line",
      );
    }
    map.removeFeatureState({ source: "micro_grids" });
    if (!this.isOpen) return;
    for (const { micro_grid } of this.kinds[this.chosen]?.micro_grids ?? []) {
      map.setFeatureState({ source: "micro_grids", id: micro_grid }, { blind: true });
    }
  }
}
