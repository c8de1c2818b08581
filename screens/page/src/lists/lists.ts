/** The live lists: cases with their four clocks, and alerts. */
import { promises, type Case } from "../data/cases";
import { duration, ms, nowMs } from "../data/time";
import type { Alert } from "../data/types";
import type { Shown } from "../data/view";
import { fill, h, setText } from "../ui/dom";
import { onLang, t, word } from "../ui/i18n";
import type { Selected } from "../ui/selection";
import { Clocks } from "./clocks";
import { openAlerts, openCases, severityRank } from "./matters";
import { Rows, type Row } from "./rows";

interface ListRow extends Row {
  readonly element: HTMLButtonElement;
  tick(): void;
}

interface CaseRow extends ListRow {
  show(record: Case): void;
}

interface AlertRow extends ListRow {
  show(alert: Alert): void;
}

export type Tab = "cases" | "alerts";
const TABS: readonly Tab[] = ["cases", "alerts"];

export class Lists {
  readonly element = h("section", { class: "lists", attrs: { id: "lists", tabindex: -1 } });
  private readonly cases: Rows<Case, CaseRow>;
  private readonly alerts: Rows<Alert, AlertRow>;
  private readonly heads = new Map<Tab, { button: HTMLButtonElement; name: HTMLElement; count: HTMLElement }>();
  private readonly panels = new Map<Tab, HTMLElement>();
  private readonly empties = new Map<Tab, HTMLElement>();
  private tab: Tab = "cases";

  constructor(
    private readonly shown: Shown,
    private readonly selected: Selected,
  ) {
    this.cases = new Rows<Case, CaseRow>(t("tab.cases"), (one) => one.id, (one) => this.caseRow(one.id), (row, one) => row.show(one));
    this.alerts = new Rows<Alert, AlertRow>(t("tab.alerts"), (one) => one.id, (one) => this.alertRow(one.id), (row, one) => row.show(one));
    this.build();
    shown.on(["cases"], () => this.drawCases());
    shown.on(["alerts"], () => this.drawAlerts());
    selected.on(() => this.mark());
    onLang(() => this.drawAll());
    this.drawAll();
  }

  /** Once a second: the clocks run. */
  tick(): void {
    this.cases.each((row) => row.tick());
    this.alerts.each((row) => row.tick());
  }

  openTab(tab: Tab): void {
    this.tab = tab;
    for (const name of TABS) {
      const open = name === tab;
      const head = this.heads.get(name)?.button;
      head?.setAttribute("aria-selected", String(open));
      if (head) head.tabIndex = open ? 0 : -1;
      this.panels.get(name)?.classList.toggle("is-open", open);
    }
  }

  switchTab(): void {
    this.openTab(this.tab === "cases" ? "alerts" : "cases");
  }

  /** Move the focus through the open list. */
  step(by: number): void {
    const rows = [...(this.panels.get(this.tab)?.querySelectorAll<HTMLButtonElement>("button.row") ?? [])];
    const at = rows.indexOf(document.activeElement as HTMLButtonElement);
    const next = rows[at < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, at + by))];
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
  }

  private build(): void {
    const bar = h("div", { class: "tabs", attrs: { role: "tablist" } });
    for (const name of TABS) {
      const rows = name === "cases" ? this.cases : this.alerts;
      const label = h("span");
      const count = h("span", { class: "tab-count" });
      const button = h(
        "button",
        {
          class: "tab",
          attrs: { type: "button", role: "tab", id: `tab-${name}`, "aria-controls": `panel-${name}` },
          on: {
            click: () => this.openTab(name),
            keydown: (event) => {
              if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
                this.switchTab();
                this.heads.get(this.tab)?.button.focus();
              }
            },
          },
        },
        label,
        count,
      );
      const empty = h("p", { class: "list-empty" });
      const panel = h(
        "div",
        { class: "panel", attrs: { role: "tabpanel", id: `panel-${name}`, "aria-labelledby": `tab-${name}` } },
        h("h2", { class: "panel-title" }),
        h("div", { class: "panel-scroll", attrs: { tabindex: -1 } }, empty, rows.element, rows.more),
      );
      this.heads.set(name, { button, name: label, count });
      this.panels.set(name, panel);
      this.empties.set(name, empty);
      bar.append(button);
    }
    fill(this.element, bar, ...this.panels.values());
    this.openTab("cases");
  }

  private drawAll(): void {
    this.element.setAttribute("aria-label", t("app.lists"));
    this.cases.element.setAttribute("aria-label", t("tab.cases"));
    this.alerts.element.setAttribute("aria-label", t("tab.alerts"));
    this.drawCases();
    this.drawAlerts();
  }

  private drawCases(): void {
    const open = openCases(this.shown.now);
    this.cases.show(open);
    this.head("cases", open.length, t("list.noCases"));
  }

  private drawAlerts(): void {
    const open = openAlerts(this.shown.now);
    this.alerts.show(open);
    this.head("alerts", open.length, t("list.noAlerts"));
  }

  private head(tab: Tab, count: number, empty: string): void {
    const head = this.heads.get(tab);
    if (head) {
      setText(head.name, t(`tab.${tab}`));
      setText(head.count, String(count));
    }
    const title = this.panels.get(tab)?.querySelector(".panel-title");
    if (title) setText(title, `${t(`tab.${tab}`)} ${count}`);
    const note = this.empties.get(tab);
    if (note) setText(note, count ? "" : empty);
    this.mark();
  }

  private mark(): void {
    const id = this.selected.current?.id;
    for (const rows of [this.cases, this.alerts]) {
      rows.each((row: ListRow) => {
        row.element.setAttribute("aria-current", String(row.element.dataset["id"] === id));
      });
    }
  }

  /** The instant on show: clocks and ages of the past are told as they stood then. */
  private get instantMs(): number {
    return this.shown.pastMs ?? nowMs();
  }

  private caseRow(id: string): CaseRow {
    const title = h("span", { class: "row-title" });
    const state = h("span", { class: "row-state" });
    const sentence = h("span", { class: "row-sentence" });
    const where = h("span", { class: "row-where" });
    const clocks = new Clocks();
    const element = h(
      "button",
      { class: "row", attrs: { type: "button", "data-id": id }, on: { click: () => this.selected.open("case", id) } },
      h("span", { class: "row-head" }, title, state),
      sentence,
      clocks.element,
      where,
    );
    let record: Case | undefined;
    const tick = () => {
      if (record) clocks.update(promises(record), this.instantMs);
    };
    return {
      element,
      tick,
      show: (next) => {
        record = next;
        element.dataset["life"] = String(next.life_safety ?? false);
        setText(title, word("kind", next.incident_kind));
        setText(state, word("state", next.state));
        setText(sentence, next.sentence ?? "");
        setText(where, [next.unit_name || next.unit, word("level", next.level)].filter(Boolean).join(" · "));
        tick();
      },
    };
  }

  private alertRow(id: string): AlertRow {
    const title = h("span", { class: "row-title" });
    const age = h("span", { class: "row-state" });
    const sentence = h("span", { class: "row-sentence" });
    const element = h(
      "button",
      { class: "row", attrs: { type: "button", "data-id": id }, on: { click: () => this.selected.open("alert", id) } },
      h("span", { class: "row-head" }, title, age),
      sentence,
    );
    let onset: number | null = null;
    const tick = () => {
      setText(age, onset === null ? "" : duration((this.instantMs - onset) / 1000));
    };
    return {
      element,
      tick,
      show: (next) => {
        onset = ms(next.onset_time) ?? ms(next.event_time);
        element.dataset["life"] = String(next.life_safety ?? false);
        element.dataset["severity"] = String(severityRank(next.severity));
        setText(title, word("kind", next.kind));
        setText(sentence, next.sentence ?? next.subject ?? "");
        tick();
      },
    };
  }
}
