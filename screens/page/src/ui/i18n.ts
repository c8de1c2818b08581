/** The page's language: Chinese or English, one table of strings. */
import { KIND_NAMES, STRINGS, type Key } from "./strings";

export type Lang = "zh" | "en";
const STORED = "citybrain.lang";
const listeners: (() => void)[] = [];
let current: Lang = initial();

function initial(): Lang {
  const asked = new URLSearchParams(location.search).get("lang") ?? localStorage.getItem(STORED);
  return asked === "en" || asked === "zh" ? asked : "zh";
}

export function lang(): Lang {
  return current;
}

export function locale(): string {
  return current === "zh" ? "zh-CN" : "en-GB";
}

export function setLang(next: Lang): void {
  current = next;
  localStorage.setItem(STORED, next);
  document.documentElement.lang = locale();
  for (const tell of listeners) tell();
}

/** Be told when the language changes. */
export function onLang(tell: () => void): void {
  listeners.push(tell);
}

/** The string of a key, with {names} filled in. */
export function t(key: Key, values: Record<string, string | number> = {}): string {
  const text = STRINGS[key][current === "zh" ? 0 : 1];
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** Why something was refused: the reason in words, and the hint as it came. */
export function refusal(reason: string | undefined, hint: string | undefined): string {
  return [word("refusal", reason), hint].filter(Boolean).join(" · ");
}

/** A word of the wire (a kind, a state, a reason) as people say it; itself when not in the table. */
export function word(group: string, wire: string | undefined): string {
  if (!wire) return "";
  const key = `${group}.${wire}`;
  if (key in STRINGS) return t(key as Key);
  const kind = KIND_NAMES[wire];
  return kind ? kind[current === "zh" ? 0 : 1] : wire;
}
