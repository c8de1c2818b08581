/** What the gateway says, as the page reads it. Every field but `id` may be absent. */

export interface Item {
  id: string;
  updated?: string;
  /** Of alerts, incidents, cases and orders: whether it still goes on. */
  open?: boolean;
  lon_deg?: number;
  lat_deg?: number;
}

export type Level = "ok" | "warn" | "over";

export interface Sensor extends Item {
  kind?: string;
  name?: string;
  value?: number;
  unit?: string;
  limit?: number;
  level?: Level;
  stale?: boolean;
}

export interface Camera extends Item {
  name?: string;
  /** Kind of its newest detection, at `updated`. */
  detection?: string;
  confidence?: number;
  count?: number;
  /** How the device stands: online, unknown, offline, dead; absent when nobody said. */
  state?: string;
}

export interface Vessel extends Item {
  name?: string;
  mmsi?: string;
  kind?: string;
  sog_kn?: number;
  cog_deg?: number;
  alert?: boolean;
  distress?: boolean;
  stale?: boolean;
}

export type Severity = "Extreme" | "Severe" | "Moderate" | "Minor" | "Unknown";

export interface Alert extends Item {
  alert_id?: string;
  kind?: string;
  subject?: string;
  area?: string;
  transition?: string;
  severity?: Severity;
  onset_time?: string;
  event_time?: string;
  value?: number;
  limit?: number;
  unit?: string;
  sentence?: string;
  reason?: string;
  life_safety?: boolean;
}

export interface Incident extends Item {
  incident_id?: string;
  kind?: string;
  subject?: string;
  area?: string;
  state?: string;
  severity?: Severity;
  opened_time?: string;
  created_time?: string;
  sentence?: string;
  alert_count?: number;
  alert_ids?: string[];
  /** Why nobody is sent: grouping, unsure, silence:<id>, storm … */
  held?: string[];
  /** Alerts of other matters in it: each can be split away. */
  links?: { alert_id: string; kind: string; sense?: string; distance_m?: number; why?: string }[];
  merged_into?: string;
  life_safety?: boolean;
}

export type ClockName = "respond" | "order" | "depart" | "on-site";

export interface Order extends Item {
  order_id?: string;
  case_id?: string;
  incident_id?: string;
  incident_kind?: string;
  unit?: string;
  unit_name?: string;
  level?: string;
  state?: string;
  created_time?: string;
}

/** Figures of one unit or area in one month. */
export interface Kpi extends Item {
  subject?: string;
  ended?: number;
  ended_at_community?: number;
  target?: number;
  clocks?: { clock: string; due: number; kept: number }[];
  reminders?: number;
  reminders_worked?: number;
}

export interface Reminder extends Item {
  reminder_id?: string;
  incident_id?: string;
  venue?: string;
  text?: string;
  event_time?: string;
}

/** The answer to a command, as an event. */
export interface Reply extends Item {
  command_id?: string;
  accepted?: boolean;
  reason?: string;
  hint?: string;
  case_id?: string;
  incident_id?: string;
}

/** What people hold back: a silence until its end, or a mode of the city. */
export interface Hold extends Item {
  kind?: "silence" | "mode";
  by?: string;
  second?: string;
  reason?: string;
  from_time?: string;
  until_time?: string;
  area?: string;
  subjects?: string[];
  kinds?: string[];
  mode?: string;
}

/** Things too many to show one by one; the cluster `nowhere` has no place. */
export interface Cluster {
  id: string;
  lon_deg?: number;
  lat_deg?: number;
  count: number;
  warn?: number;
  over?: number;
  stale?: number;
}

export interface Feed {
  feed: string;
  /** sensor, camera, vessel, complaint; kafka is the broker, through which all comes. */
  class?: string;
  age_s: number | null;
  stale: boolean;
  since?: string | null;
}

export const LAYERS = [
  "alerts",
  "incidents",
  "cases",
  "orders",
  "vessels",
  "sensors",
  "cameras",
  "reminders",
  "kpi",
  "commands",
  "holds",
] as const;
export type Layer = (typeof LAYERS)[number];

export type ByLayer<V> = Partial<Record<Layer, V>>;

/** `upserts` are whole items, `changes` some members of an item that is known. */
export type Frame =
  | { type: "snapshot"; cursor: string; layers?: ByLayer<Item[]>; clusters?: ByLayer<Cluster[]> }
  | {
      type: "delta";
      cursor: string;
      upserts?: ByLayer<Item[]>;
      changes?: ByLayer<Item[]>;
      removes?: ByLayer<string[]>;
      clusters?: ByLayer<Cluster[]>;
    }
  | { type: "resync"; cursor: string; reason: string }
  | { type: "health"; cursor: string; now: string; feeds: Feed[]; stale_count?: number };

export type Box = readonly [west: number, south: number, east: number, north: number];

export interface Person {
  user: string;
  name: string;
  role: string;
  areas: string[];
  may: string[];
  csrf: string;
}

export interface City {
  code: string;
  names: { zh?: string; en?: string };
  /** Of the land. */
  bbox: [number, number, number, number];
  timezone?: string;
  /** Modes that the city's rules know. */
  modes?: string[];
  /** Where another basemap's style is. */
  style?: string | null;
  /** Name of a layer of the basemap, and where its GeoJSON is. */
  basemap: Record<string, string>;
}
