/** A venue's card: its convention, the level now against the limit, reminders and whether they worked. */
import { get } from "../data/api";
import { ms, timeOfDay } from "../data/time";
import { fill, h } from "../ui/dom";
import { t, word } from "../ui/i18n";
import { facts, rounded, section, type Card } from "./parts";

interface Convention {
  hours?: string;
  limit?: number;
  day_type?: string;
}

interface Played {
  at?: string;
  text?: string;
  outcome?: string;
}

interface VenueCard {
  name?: string;
  lon_deg?: number;
  lat_deg?: number;
  convention?: Convention[];
  level?: number | null;
  unit?: string;
  limit?: number | null;
  limit_words?: string;
  reminders?: Played[];
}

const RENEW_MS = 5_000;

export function venueCard(code: string): Card {
  const body = h("div", { class: "card-body" }, h("p", { class: "note" }, t("app.loading")));
  const title = h("h2", {}, code);
  let said: VenueCard | null = null;
  const load = async () => {
    try {
      said = await get<VenueCard>(`/venues/${encodeURIComponent(code)}`);
      fill(title, said.name ?? code);
      fill(body, ...content(said));
    } catch (error) {
      if (!said) fill(body, h("p", { class: "note" }, t("app.failed", { why: (error as Error).message })));
    }
  };
  void load();
  const renew = window.setInterval(() => void load(), RENEW_MS);
  return {
    element: h("div", {}, h("p", { class: "card-kind" }, t("venue.title")), title, body),
    tick: () => undefined,
    place: () => (said?.lon_deg !== undefined && said.lat_deg !== undefined ? [said.lon_deg, said.lat_deg] : null),
    end: () => window.clearInterval(renew),
  };
}

function content(venue: VenueCard): Node[] {
  const unit = venue.unit ?? "dB(A)";
  const level = typeof venue.level === "number" ? venue.level : null;
  const limit = typeof venue.limit === "number" ? venue.limit : null;
  const over = level !== null && limit !== null && level > limit;
  const value = h("p", { class: "big-value", attrs: { "data-level": over ? "over" : "ok" } }, `${rounded(level)} ${unit}`);
  return [
    value,
    facts(
      [t("venue.limit"), limit === null ? t("app.none") : `${rounded(limit)} ${unit}`],
      ["", venue.limit_words],
    ),
    section(
      t("venue.convention"),
      venue.convention?.length
        ? facts(...venue.convention.map((row): [string, string] => [row.hours ?? "", `≤ ${rounded(row.limit, 0)} dB(A)`]))
        : h("p", { class: "note" }, t("venue.noConvention")),
    ),
    section(
      t("venue.reminders"),
      venue.reminders?.length
        ? h("ol", { class: "story" }, ...venue.reminders.map(played))
        : h("p", { class: "note" }, t("venue.noReminders")),
    ),
  ];
}

function played(reminder: Played): HTMLElement {
  const at = ms(reminder.at);
  return h(
    "li",
    { attrs: { "data-outcome": reminder.outcome ?? "" } },
    h("time", {}, at === null ? "" : timeOfDay(at, false)),
    h("span", {}, reminder.text ?? ""),
    h("em", {}, word("outcome", reminder.outcome)),
  );
}
