/** Short words that come and go, read out by screen readers too. */
import { h, setText } from "./dom";

const GONE_MS = 8_000;

export type Tone = "pending" | "good" | "bad";

export interface Toast {
  say(text: string, tone: Tone): void;
}

export class Toasts {
  readonly element = h("div", { class: "toasts", attrs: { role: "status", "aria-live": "polite" } });

  /** Show a text; a pending one stays until it is said how it ended. */
  show(text: string, tone: Tone): Toast {
    const box = h("p", { class: "toast", attrs: { "data-tone": tone } }, text);
    this.element.append(box);
    let timer = 0;
    const toast: Toast = {
      say: (next, nextTone) => {
        setText(box, next);
        box.dataset["tone"] = nextTone;
        window.clearTimeout(timer);
        if (nextTone !== "pending") timer = window.setTimeout(() => box.remove(), GONE_MS);
      },
    };
    toast.say(text, tone);
    return toast;
  }
}
