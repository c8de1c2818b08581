/** The page's colours, read from its style sheet, so that map and lists agree. */

const NAMES = ["sea", "land", "land-edge", "area-line", "grid-line", "text", "text-2", "text-3", "accent", "ok", "warn", "over", "life", "stale", "camera", "harbour", "zone", "blind", "ink-1"] as const;

export type Colour = (typeof NAMES)[number];

export function palette(): Record<Colour, string> {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(
    NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]),
  ) as Record<Colour, string>;
}
