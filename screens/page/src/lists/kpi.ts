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

/** At least nine of ten incidents should end in a community. */
const TARGET_SHARE = 0.9;

interface Figure {
  key: Key;
  value: string;
  tone?: "good" | "warn" | "bad";
}

export class KpiStrip {
  readonly element = h("dl", { class: "kpi" });
  private readonly cells = new Map<Key, { name: HTMLElement; value: HTMLElement }>();

  constructor(
    private readonly shown: Shown,
    private readonly cityCode: string,
  ) {}

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

  /** The city's own figures of this month: those of the area that is all of it. */
  private city(): Figure[] {
    const kpi = [...this.shown.now.all<Kpi>("kpi").values()].find((one) => one.subject === this.cityCode);
    if (!kpi) return [];
    const figures: Figure[] = [];
    const { ended = 0, ended_at_community = 0, target = TARGET_SHARE, reminders = 0, reminders_worked = 0 } = kpi;
    if (ended) {
      const tone = ended_at_community / ended >= target ? "good" : "warn";
      figures.push({ key: "kpi.community", value: percent(ended_at_community, ended), tone });
    }
    const due = (kpi.clocks ?? []).reduce((sum, clock) => sum + clock.due, 0);
    const kept = (kpi.clocks ?? []).reduce((sum, clock) => sum + clock.kept, 0);
    if (due) figures.push({ key: "kpi.kept", value: percent(kept, due) });
    if (reminders) figures.push({ key: "kpi.reminder", value: percent(reminders_worked, reminders) });
    return figures;
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

function percent(part: number, whole: number): string {
  return `${Math.round((part / whole) * 100)}%`;
}
