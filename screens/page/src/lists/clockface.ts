/** The arithmetic of a promise's clock: how it stands at an instant. No DOM, no "now". */

export interface Promise4 {
  clock: string;
  startMs: number | null;
  deadlineMs: number | null;
  stoppedMs: number | null;
  breached: boolean;
  paused: boolean;
}

export type Standing = "waiting" | "running" | "warn" | "late" | "met" | "missed" | "paused";

export interface Face {
  standing: Standing;
  /** Seconds left; negative when late. Of a stopped clock, what was left when it stopped. */
  leftS: number | null;
  /** Share of the time used, 0 to 1; null when the start is not known. */
  used: number | null;
}

/** A running clock warns when this share of its time is used. */
const WARN_SHARE = 0.8;

export function face(promise: Promise4, nowMs: number): Face {
  const { startMs, deadlineMs, stoppedMs } = promise;
  if (deadlineMs === null) return { standing: "waiting", leftS: null, used: null };
  const at = stoppedMs ?? nowMs;
  const leftS = (deadlineMs - at) / 1000;
  const whole = startMs === null ? null : deadlineMs - startMs;
  const used = whole === null || startMs === null ? null : whole > 0 ? clamp((at - startMs) / whole) : 1;
  if (stoppedMs !== null) {
    return { standing: promise.breached || leftS < 0 ? "missed" : "met", leftS, used };
  }
  if (promise.paused) return { standing: "paused", leftS, used };
  if (leftS <= 0) return { standing: "late", leftS, used };
  return { standing: used !== null && used >= WARN_SHARE ? "warn" : "running", leftS, used };
}

/** Instant by which a case must be looked at: its next deadline; Infinity when none runs. */
export function urgency(promises: readonly Promise4[]): number {
  const open = promises.filter((p) => p.stoppedMs === null && !p.paused && p.deadlineMs !== null);
  return open.length ? Math.min(...open.map((p) => p.deadlineMs as number)) : Number.POSITIVE_INFINITY;
}

function clamp(share: number): number {
  return Math.min(1, Math.max(0, share));
}
