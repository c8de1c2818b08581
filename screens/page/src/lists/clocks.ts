/** The four clocks of a case as a row of faces; updated in place every second. */
import { duration } from "../data/time";
import { h, setText } from "../ui/dom";
import { t } from "../ui/i18n";
import type { Key } from "../ui/strings";
import { face, type Promise4 } from "./clockface";

export class Clocks {
  readonly element = h("ol", { class: "clocks" });
  private readonly faces = new Map<string, { box: HTMLElement; name: HTMLElement; left: HTMLElement; bar: HTMLElement; said: HTMLElement }>();

  update(promises: readonly Promise4[], nowMs: number): void {
    for (const promise of promises) {
      const parts = this.face(promise.clock);
      const { standing, leftS, used } = face(promise, nowMs);
      parts.box.dataset["standing"] = standing;
      setText(parts.name, t(`clock.${promise.clock}` as Key));
      const words = t(`standing.${standing}`);
      setText(parts.said, words);
      setText(parts.left, left(standing, leftS));
      parts.bar.style.setProperty("--used", String(used ?? 0));
    }
  }

  private face(clock: string) {
    let parts = this.faces.get(clock);
    if (!parts) {
      const name = h("span", { class: "clock-name" });
      const left = h("span", { class: "clock-left" });
      const bar = h("span", { class: "clock-bar", attrs: { "aria-hidden": "true" } });
      const said = h("span", { class: "visually-hidden" });
      parts = { box: h("li", { class: "clock" }, name, left, said, bar), name, left, bar, said };
      this.faces.set(clock, parts);
      this.element.append(parts.box);
    }
    return parts;
  }
}

function left(standing: string, leftS: number | null): string {
  if (leftS === null) return "–";
  if (standing === "met") return "✓";
  if (standing === "missed") return "✕";
  return leftS < 0 ? `−${duration(-leftS)}` : duration(Math.ceil(leftS));
}
