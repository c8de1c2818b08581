/** Search of everything that has a name: a field, and a list of what was found. */
import { get } from "../data/api";
import { fill, h } from "./dom";
import { onLang, t, word } from "./i18n";
import type { Kind, Selected } from "./selection";

interface Hit {
  what: string;
  id: string;
  title?: string;
  lon_deg?: number;
  lat_deg?: number;
}

const PAUSE_MS = 200;
const MOST_SHOWN = 12;
/** What has a card. */
const CARDS: readonly string[] = ["vessel", "sensor", "camera", "venue", "incident", "case", "alert"] satisfies Kind[];

export class Search {
  readonly element = h("div", { class: "search" });
  private readonly input = h("input", {
    attrs: {
      type: "search", role: "combobox", "aria-expanded": "false", "aria-controls": "search-found",
      "aria-autocomplete": "list", autocomplete: "off", spellcheck: "false",
    },
  });
  private readonly list = h("ul", { class: "found", attrs: { id: "search-found", role: "listbox" } });
  private hits: Hit[] = [];
  private at = -1;
  private timer = 0;
  private failed = "";

  constructor(
    private readonly selected: Selected,
    private readonly go: (place: readonly [number, number]) => void,
    /** Where the keyboard goes on after a choice. */
    private readonly chosen: () => void,
  ) {
    this.list.hidden = true;
    fill(this.element, this.input, this.list);
    this.input.addEventListener("input", () => {
      window.clearTimeout(this.timer);
      this.timer = window.setTimeout(() => void this.look(), PAUSE_MS);
    });
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.input.addEventListener("blur", () => window.setTimeout(() => this.close(), 150));
    onLang(() => this.label());
    this.label();
  }

  focus(): void {
    this.input.focus();
    this.input.select();
  }

  private label(): void {
    this.input.setAttribute("aria-label", t("search.label"));
    this.list.setAttribute("aria-label", t("search.label"));
    this.input.placeholder = t("search.hint");
  }

  private async look(): Promise<void> {
    const asked = this.input.value.trim();
    if (!asked) {
      this.close();
      return;
    }
    try {
      const answer = await get<{ found: Hit[] }>(`/search?q=${encodeURIComponent(asked)}`);
      if (asked !== this.input.value.trim()) return;
      this.hits = answer.found.filter((hit) => CARDS.includes(hit.what)).slice(0, MOST_SHOWN);
      this.failed = "";
    } catch (error) {
      this.hits = [];
      this.failed = t("app.failed", { why: (error as Error).message });
    }
    this.at = this.hits.length ? 0 : -1;
    this.draw();
  }

  private draw(): void {
    this.list.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
    if (this.hits.length === 0) fill(this.list, h("li", { class: "found-none", attrs: { role: "option", "aria-disabled": "true" } }, this.failed || t("search.nothing")));
    else fill(this.list, ...this.hits.map((hit, i) => this.option(hit, i)));
    const active = this.list.children[this.at];
    if (active) this.input.setAttribute("aria-activedescendant", active.id);
    active?.scrollIntoView({ block: "nearest" });
  }

  private option(hit: Hit, index: number): HTMLElement {
    return h(
      "li",
      {
        attrs: { role: "option", id: `found-${index}`, "aria-selected": String(index === this.at) },
        on: { pointerdown: (event) => { event.preventDefault(); this.choose(index); } },
      },
      h("span", { class: "found-name" }, word("kind", hit.title) || hit.id),
      h("span", { class: "found-kind" }, word("what", hit.what)),
    );
  }

  private key(event: KeyboardEvent): void {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const by = event.key === "ArrowDown" ? 1 : -1;
      this.at = Math.min(this.hits.length - 1, Math.max(0, this.at + by));
      this.draw();
    } else if (event.key === "Enter") this.choose(this.at);
    else if (event.key === "Escape") {
      event.stopPropagation();
      this.input.value = "";
      this.close();
      this.input.blur();
    }
  }

  private choose(index: number): void {
    const hit = this.hits[index];
    if (!hit) return;
    this.close();
    this.input.value = "";
    if (hit.lon_deg !== undefined && hit.lat_deg !== undefined) this.go([hit.lon_deg, hit.lat_deg]);
    this.selected.open(hit.what as Kind, hit.id);
    this.chosen();
  }

  private close(): void {
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }
}
