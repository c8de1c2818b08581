/** A case's record (`cases` topic) as the page reads it. */
import type { Promise4 } from "../lists/clockface";
import { ms } from "./time";
import type { ClockName, Item, Severity } from "./types";

export const CLOCKS: readonly ClockName[] = ["respond", "order", "depart", "on-site"];

export interface CaseOrder {
  order_id: string;
  unit: string;
  unit_name: string;
  level: string;
  state: string;
}

/** Instants of nested parts are texts or milliseconds, by the name's ending. */
export interface CaseClock {
  clock: string;
  started_time?: string;
  started_time_ms?: number;
  deadline_time?: string;
  deadline_time_ms?: number;
  stopped_time?: string;
  stopped_time_ms?: number;
  note?: string;
}

export interface Case extends Item {
  case_id?: string;
  incident_id?: string;
  incident_kind?: string;
  subject?: string;
  state?: string;
  stage?: string;
  severity?: Severity;
  unit?: string;
  unit_name?: string;
  level?: string;
  orders?: CaseOrder[];
  clocks?: CaseClock[];
  breaches?: string[];
  opened_time?: string;
  created_time?: string;
  ended_time?: string;
  paused_for?: string;
  returns?: number;
  area?: string;
  community?: string;
  sentence?: string;
  verified?: string;
  life_safety?: boolean;
  /** Units that were asked, by a function of the city: those that answered, and not. */
  answered?: string[];
  unanswered?: string[];
  due_time?: string;
}

const OVER = new Set(["closed", "false-alarm"]);

export function isOpen(record: Case): boolean {
  return !record.ended_time && !OVER.has(record.state ?? "");
}

/** The four promises in their order; one that has not begun has no deadline. */
export function promises(record: Case): Promise4[] {
  const ended = ms(record.ended_time);
  return CLOCKS.map((clock) => {
    const said = record.clocks?.find((one) => one.clock === clock);
    const stopped = instant(said?.stopped_time, said?.stopped_time_ms);
    return {
      clock,
      startMs: instant(said?.started_time, said?.started_time_ms) ?? ms(record.created_time),
      deadlineMs: instant(said?.deadline_time, said?.deadline_time_ms),
      stoppedMs: stopped ?? ended,
      breached: said?.note === "breach" || (record.breaches ?? []).includes(clock),
      paused: Boolean(record.paused_for),
    };
  });
}

function instant(text: string | undefined, millis: number | undefined): number | null {
  return ms(text) ?? millis ?? null;
}
