/** The server's time, and times and durations as people read them. */

let offsetMs = 0;
let zone = "Asia/Shanghai";

/** Learn the server's clock from a health frame. */
export function learnNow(rfc3339: string): void {
  const serverMs = Date.parse(rfc3339);
  if (Number.isFinite(serverMs)) offsetMs = serverMs - Date.now();
}

export function useZone(name: string): void {
  zone = name;
}

/** The server's wall clock, in milliseconds. */
export function nowMs(): number {
  return Date.now() + offsetMs;
}

/** Milliseconds of an RFC 3339 text; null when it is none. */
export function ms(rfc3339: string | null | undefined): number | null {
  if (!rfc3339) return null;
  const value = Date.parse(rfc3339);
  return Number.isFinite(value) ? value : null;
}

export function timeOfDay(atMs: number, seconds = true): string {
  return new Intl.DateTimeFormat("en-GB", {
    timeZone: zone,
    hour: "2-digit",
    minute: "2-digit",
    ...(seconds ? { second: "2-digit" } : {}),
    hourCycle: "h23",
  }).format(atMs);
}

export function dateOf(atMs: number, locale: string): string {
  return new Intl.DateTimeFormat(locale, {
    timeZone: zone,
    weekday: "short",
    month: "short",
    day: "numeric",
  }).format(atMs);
}

/** 75 s → "1:15", 3,700 s → "1:01:40", two days → "2 d 3 h". */
export function duration(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds));
  if (s >= 86_400) return `${Math.floor(s / 86_400)} d ${Math.floor((s % 86_400) / 3_600)} h`;
  const two = (n: number) => String(n).padStart(2, "0");
  const hours = Math.floor(s / 3_600);
  const minutes = Math.floor((s % 3_600) / 60);
  return hours ? `${hours}:${two(minutes)}:${two(s % 60)}` : `${minutes}:${two(s % 60)}`;
}
