/** Which matters are open, and which of them first: life safety, then the next deadline. No DOM. */
import { isOpen, promises, type Case } from "../data/cases";
import { ms } from "../data/time";
import type { Alert, Incident } from "../data/types";
import type { Store } from "../data/store";
import { urgency } from "./clockface";

const SEVERITY = ["Extreme", "Severe", "Moderate", "Minor", "Unknown"];

export function severityRank(severity: string | undefined): number {
  const rank = SEVERITY.indexOf(severity ?? "Unknown");
  return rank < 0 ? SEVERITY.length : rank;
}

export function openCases(store: Store): Case[] {
  const keyed = [...store.all<Case>("cases").values()]
    .filter((record) => record.open !== false && isOpen(record))
    .map((record) => ({ record, by: urgency(promises(record)) }));
  keyed.sort((a, b) => {
    const life = Number(b.record.life_safety ?? false) - Number(a.record.life_safety ?? false);
    // Two clocks that run for ever are equal: Infinity − Infinity is no order.
    const time = a.by === b.by ? 0 : a.by < b.by ? -1 : 1;
    return life || time || (a.record.id < b.record.id ? -1 : 1);
  });
  return keyed.map(({ record }) => record);
}

export function openAlerts(store: Store): Alert[] {
  const open = [...store.all<Alert>("alerts").values()].filter((alert) => alert.open !== false);
  open.sort(
    (a, b) =>
      Number(b.life_safety ?? false) - Number(a.life_safety ?? false) ||
      severityRank(a.severity) - severityRank(b.severity) ||
      (ms(b.onset_time) ?? 0) - (ms(a.onset_time) ?? 0),
  );
  return open;
}

/** Incidents that go on, and joined no other. */
export function openIncidents(store: Store): Incident[] {
  return [...store.all<Incident>("incidents").values()].filter((one) => one.open !== false && !one.merged_into);
}

/** Open alerts that are about danger to life. */
export function dangers(store: Store): Alert[] {
  return openAlerts(store).filter((alert) => alert.life_safety);
}

export function caseOfIncident(store: Store, incidentId: string | undefined): Case | undefined {
  if (!incidentId) return undefined;
  const found = [...store.all<Case>("cases").values()].filter((record) => record.incident_id === incidentId);
  return found.find((record) => record.open !== false) ?? found[0];
}

export function incidentOfAlert(store: Store, alertId: string): Incident | undefined {
  for (const incident of store.all<Incident>("incidents").values()) {
    if (incident.alert_ids?.includes(alertId)) return incident;
  }
  return undefined;
}
