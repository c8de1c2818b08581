/** What could leave an incident, and what could join it. */
import type { Incident } from "../data/types";
import type { Shown } from "../data/view";
import { openIncidents } from "../lists/matters";
import { word } from "../ui/i18n";
import type { Choice } from "./forms";

const MOST_OTHERS = 12;
const EARTH_M = 6_371_000;

/** The matters that joined an incident; the one that opened it stays. */
export function partsOf(incident: Incident | undefined): Choice[] {
  return (incident?.links ?? []).map(({ alert_id, kind, sense, distance_m }) => ({
    id: alert_id,
    label: [word("kind", kind), word("sense", sense), (distance_m ?? -1) >= 0 ? `${Math.round(distance_m ?? 0)} m` : ""].filter(Boolean).join(" · "),
  }));
}

/** Open incidents that could join one: the nearest first. */
export function othersThan(incident: Incident | undefined, shown: Shown): Choice[] {
  if (!incident) return [];
  return openIncidents(shown.now)
    .filter((one) => one.id !== incident.id)
    .map((one) => ({ one, m: apartM(incident, one) }))
    .sort((a, b) => a.m - b.m)
    .slice(0, MOST_OTHERS)
    .map(({ one, m }) => ({
      id: one.id,
      label: [word("kind", one.kind), one.sentence || one.subject, Number.isFinite(m) ? `${Math.round(m)} m` : ""].filter(Boolean).join(" · "),
    }));
}

/** Metres between two places a city apart at most; infinite where one has none. */
function apartM(a: Incident, b: Incident): number {
  if (a.lon_deg === undefined || a.lat_deg === undefined || b.lon_deg === undefined || b.lat_deg === undefined) return Infinity;
  const rad = Math.PI / 180;
  const x = (a.lon_deg - b.lon_deg) * rad * Math.cos(a.lat_deg * rad);
  const y = (a.lat_deg - b.lat_deg) * rad;
  return Math.hypot(x, y) * EARTH_M;
}
