/** A list whose rows are kept by key and changed in place, so that focus and scroll stay. */
import { h, setText } from "../ui/dom";
import { t } from "../ui/i18n";

export interface Row {
  readonly element: HTMLElement;
}

const MOST_SHOWN = 120;

export class Rows<T, R extends Row> {
  readonly element: HTMLUListElement;
  readonly more = h("p", { class: "list-more" });
  private readonly rows = new Map<string, { row: R; item: HTMLLIElement }>();

  constructor(
    label: string,
    private readonly keyOf: (value: T) => string,
    private readonly make: (value: T) => R,
    private readonly change: (row: R, value: T) => void,
  ) {
    this.element = h("ul", { class: "rows", attrs: { "aria-label": label } });
  }

  /** Show these, in this order. */
  show(values: readonly T[]): void {
    const shown = values.slice(0, MOST_SHOWN);
    const keys = new Set(shown.map(this.keyOf));
    for (const [key, { item }] of this.rows) {
      if (!keys.has(key)) {
        item.remove();
        this.rows.delete(key);
      }
    }
    shown.forEach((value, index) => {
      const key = this.keyOf(value);
      let kept = this.rows.get(key);
      if (!kept) {
        const row = this.make(value);
        kept = { row, item: h("li", {}, row.element) };
        this.rows.set(key, kept);
      }
      this.change(kept.row, value);
      const there = this.element.children[index];
      if (there !== kept.item) this.element.insertBefore(kept.item, there ?? null);
    });
    const rest = values.length - shown.length;
    setText(this.more, rest > 0 ? t("app.more", { n: rest }) : "");
  }

  each(tell: (row: R) => void): void {
    for (const { row } of this.rows.values()) tell(row);
  }
}
