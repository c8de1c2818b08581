/** Blind spots: micro-grids without a working sense of a kind, and why. */
import type { Map as GlMap } from "maplibre-gl";
import { get } from "../data/api";
import { button, fill, h } from "../ui/dom";
import { onLang, t, word } from "../ui/i18n";
import type { Colour } from "./palette";

interface BlindKind {
  kind: string;
  /** Code of a micro-grid, and the reason. */
  cells: { micro_grid: string; reason: string }[];
}

export class BlindSpots {
  readonly element = h("section", { class: "blind" });
  private kinds: BlindKind[] = [];
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
    try {
      const answer = await get<{ kinds: BlindKind[] }>("/blind");
      this.kinds = answer.kinds;
      this.chosen = this.kinds.find((one) => one.kind === this.chosen)?.kind ?? this.kinds[0]?.kind ?? "";
      this.draw();
    } catch (error) {
      fill(this.element, h("p", { class: "note" }, t("app.failed", { why: (error as Error).message })));
    }
  }

  private draw(): void {
    if (!this.isOpen) return;
    const now = this.kinds.find((one) => one.kind === this.chosen);
    const reasons = new Map<string, number>();
    for (const { reason } of now?.cells ?? []) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    fill(
      this.element,
      h("h2", {}, t("blind.title")),
      this.kinds.length === 0 ? h("p", { class: "note" }, t("blind.none")) : null,
      h(
        "ul",
        { class: "blind-kinds" },
        ...this.kinds.map(({ kind, cells }) =>
          h("li", {}, button(`${word("kind", kind)} ${cells.length}`, () => this.choose(kind), "small", { "aria-pressed": String(kind === this.chosen) })),
        ),
      ),
      h(
        "ul",
        { class: "blind-reasons" },
        ...[...reasons].map(([reason, count]) => h("li", {}, h("strong", {}, word("blind", reason)), h("span", {}, t("blind.count", { n: count })))),
      ),
    );
    this.paint();
  }

  private choose(kind: string): void {
    this.chosen = kind;
    this.draw();
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
    for (const { micro_grid } of this.kinds.find((one) => one.kind === this.chosen)?.cells ?? []) {
      map.setFeatureState({ source: "micro_grids", id: micro_grid }, { blind: true });
    }
  }
}
