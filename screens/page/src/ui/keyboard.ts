/** Single keys that do things, while nobody writes; and the table of them. */
import { fill, h, setText } from "./dom";
import { t } from "./i18n";
import type { Key } from "./strings";

export interface Shortcut {
  keys: readonly string[];
  /** As shown; the keys themselves if absent. */
  shown?: string;
  what: Key;
  run(key: string): void;
}

const STORED = "citybrain.keys";

export class Keyboard {
  readonly help = h("dialog", { class: "help" });
  private on = localStorage.getItem(STORED) !== "off";

  constructor(private readonly shortcuts: readonly Shortcut[]) {
    document.addEventListener("keydown", (event) => this.press(event));
  }

  openHelp(): void {
    const toggle = h("input", { attrs: { type: "checkbox", id: "keys-on", checked: this.on } });
    toggle.addEventListener("change", () => {
      this.on = toggle.checked;
      localStorage.setItem(STORED, this.on ? "on" : "off");
    });
    const close = h("button", { class: "primary", attrs: { type: "button" } });
    setText(close, t("app.close"));
    close.addEventListener("click", () => this.help.close());
    this.help.setAttribute("aria-label", t("help.title"));
    fill(
      this.help,
      h("h2", {}, t("help.title")),
      h(
        "dl",
        { class: "keys" },
        ...this.shortcuts.map(({ keys, shown, what }) =>
          h("div", {}, h("dt", {}, h("kbd", {}, shown ?? keys.map((key) => key.toUpperCase()).join(" / "))), h("dd", {}, t(what))),
        ),
      ),
      h("p", {}, toggle, h("label", { attrs: { for: "keys-on" } }, t("help.enabled"))),
      close,
    );
    this.help.showModal();
  }

  private press(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    // What is behind an open dialog hears no key, and Escape is the dialog's own.
    if (document.querySelector("dialog[open]")) return;
    const target = event.target as HTMLElement | null;
    const writing = target?.closest("input:not([type=range]):not([type=checkbox]), textarea, select");
    if (writing && event.key !== "Escape") return;
    if (!this.on && event.key !== "Escape") return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const found = this.shortcuts.find(({ keys }) => keys.includes(key));
    if (!found) return;
    event.preventDefault();
    found.run(key);
  }
}
