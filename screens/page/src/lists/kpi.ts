/** The strip of figures: what is open now, counted here, and the city's own figures of the `kpi` topic. */
import { promises } from "../data/cases";
import { nowMs } from "../data/time";
import type { Kpi, Vessel } from "../data/types";
import type { Shown } from "../data/view";
import { fill, h, setText } from "../ui/dom";
import { t } from "../ui/i18n";
import type { Key } from "../ui/strings";
import { face } from "./clockface";
import { openAlerts, openCases } from "./matters";

interface Figure {
  key: Key;
  value: string;
  tone?: "good" | "warn" | "bad";
}

export class KpiStrip {
  readonly element = h("dl", { class: "kpi" });
  private readonly cells = new Map<Key, { name: HTMLElement; value: HTMLElement }>();

  constructor(private readonly shown: Shown) {}

  /** Once a second. */
  tick(): void {
    const figures = this.figures();
    for (const { key, value, tone } of figures) {
      const cell = this.cell(key);
      setText(cell.name, t(key));
      setText(cell.value, value);
      cell.value.dataset["tone"] = tone ?? "";
    }
    if (this.element.childElementCount !== figures.length) {
      fill(this.element, ...figures.map(({ key }) => this.cell(key).name.parentElement));
    }
  }

  private figures(): Figure[] {
    const store = this.shown.now;
    const cases = openCases(store);
    const atMs = this.shown.pastMs ?? nowMs();
    const late = cases.flatMap(promises).filter((promise) => face(promise, atMs).standing === "late").length;
    const vessels = [...store.all<Vessel>("vessels").values()].filter((vessel) => !vessel.stale).length;
    return [
      { key: "kpi.open_cases", value: String(cases.length) },
      { key: "kpi.late", value: String(late), tone: late ? "bad" : "good" },
      { key: "kpi.alerts", value: String(openAlerts(store).length) },
      { key: "kpi.vessels", value: String(vessels) },
      ...this.city(),
    ];
  }

  private city(): Figure[] {
    const kpi = [...this.shown.now.all<Kpi & Record<string, unknown>>("kpi").values()].find((one) => one["unit"] === "city");
    if (!kpi) return [];
    const share = (name: string): string | null => {
      const value = kpi[name];
      return typeof value === "number" ? `${Math.round(value * 100)}%` : null;
    };
    const found: Figure[] = [];
    for (const [name, key] of [
      ["community_share", "kpi.community"],
      ["kept_share", "kpi.kept"],
      ["reminder_share", "kpi.reminder"],
    ] as const) {
      const value = share(name);
      if (value !== null) found.push({ key, value });
    }
    return found;
  }

  private cell(key: Key) {
    let cell = this.cells.get(key);
    if (!cell) {
      const name = h("dt");
      const value = h("dd");
      h("div", { class: "kpi-cell" }, name, value).dataset["kpi"] = key;
      cell = { name, value };
      this.cells.set(key, cell);
    }
    return cell;
  }
}
