/** The switches of the map's layers. */
import { fill, h, setText } from "../ui/dom";
import { onLang, t } from "../ui/i18n";
import type { Entities, Switched } from "./entities";

const ORDER: readonly Switched[] = ["vessels", "sensors", "cameras", "incidents", "grids"];

export class LayerBox {
  readonly element = h("fieldset", { class: "layers" });
  private readonly switches: { layer: Switched; box: HTMLInputElement; name: HTMLElement }[] = [];

  constructor(private readonly entities: () => Entities | null) {
    for (const layer of ORDER) {
      const box = h("input", { attrs: { type: "checkbox", id: `layer-${layer}`, checked: true } });
      box.addEventListener("change", () => this.entities()?.toggle(layer));
      this.switches.push({ layer, box, name: h("label", { attrs: { for: `layer-${layer}`, "data-layer": layer } }) });
    }
    onLang(() => this.draw());
    this.draw();
  }

  /** Switch the n-th layer, counted from 1. */
  toggle(n: number): void {
    this.switches[n - 1]?.box.click();
  }

  private draw(): void {
    for (const { layer, name } of this.switches) setText(name, t(`layer.${layer}`));
    fill(
      this.element,
      h("legend", { class: "visually-hidden" }, t("layer.title")),
      ...this.switches.map(({ box, name }) => h("span", {}, box, name)),
    );
  }
}
