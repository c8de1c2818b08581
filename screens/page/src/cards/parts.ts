/** Pieces that cards are made of. */
import { duration, ms, nowMs, timeOfDay } from "../data/time";
import { h, setText, type Child } from "../ui/dom";
import { t } from "../ui/i18n";

/** Names and values, one a line; empty values are left out. */
export function facts(...pairs: [name: string, value: Child][]): HTMLElement {
  const list = h("dl", { class: "facts" });
  for (const [name, value] of pairs) {
    if (value === null || value === undefined || value === "" || value === false) continue;
    list.append(h("div", {}, h("dt", {}, name), h("dd", {}, value)));
  }
  return list;
}

export function section(title: string, ...children: Child[]): HTMLElement {
  return h("section", { class: "card-section" }, h("h3", {}, title), ...children);
}

/** An instant with its age, which `tick` keeps true. */
export function aged(rfc3339: string | null | undefined): { element: HTMLElement; tick(): void } {
  const at = ms(rfc3339);
  const element = h("span", { class: "aged" });
  const tick = () => {
    if (at === null) setText(element, t("app.unknown"));
    else setText(element, `${timeOfDay(at)} · ${t("vessel.ago", { age: duration((nowMs() - at) / 1000) })}`);
  };
  tick();
  return { element, tick };
}

export function rounded(value: number | null | undefined, digits = 1): string {
  return typeof value === "number" && Number.isFinite(value) ? value.toFixed(digits) : "–";
}

/** A card: what it shows, and how it keeps up. */
export interface Card {
  readonly element: HTMLElement;
  /** Once a second, and when what it shows has changed. */
  tick(): void;
  /** Where it is on the map, if anywhere. */
  place(): readonly [number, number] | null;
  end?(): void;
}
