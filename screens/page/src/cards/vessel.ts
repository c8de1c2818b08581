/** A vessel's card: who it is, where it was last, its track, its alerts; the telephone only by reason. */
import { get, post } from "../data/api";
import type { Alert, Vessel } from "../data/types";
import type { Shown } from "../data/view";
import { button, fill, h, setText } from "../ui/dom";
import { t, word } from "../ui/i18n";
import type { Selected } from "../ui/selection";
import { may } from "../ui/session";
import { aged, facts, rounded, section, type Card } from "./parts";

interface VesselCard {
  id: string;
  name?: string;
  mmsi?: string;
  kind?: string;
  skipper?: string;
  phone_masked?: string;
  harbour?: { id?: string; name?: string };
  last_fix?: string;
  registered?: boolean;
  registry_mismatch?: { field: string; registered: string; said: string }[];
  alerts?: Alert[];
}

type Track = GeoJSON.Feature<GeoJSON.LineString>;

export function vesselCard(
  id: string,
  shown: Shown,
  selected: Selected,
  drawTrack: (track: Track | null) => void,
): Card {
  const body = h("div", { class: "card-body" }, h("p", { class: "note" }, t("app.loading")));
  const fix = h("span");
  const motion = h("span");
  const stale = h("p", { class: "card-warning" });
  const lock = button("", () => selected.lock(!selected.current?.locked), "lock");
  let ticks: (() => void)[] = [];
  let age = aged(null);
  let ageOf = "";
  let said: VesselCard | null = null;

  const item = () => shown.now.get<Vessel>("vessels", id);
  const tick = () => {
    const now = item();
    const updated = now?.updated ?? said?.last_fix ?? "";
    if (updated !== ageOf) {
      ageOf = updated;
      age = aged(updated);
      fill(fix, age.element);
    }
    age.tick();
    setText(motion, now ? `${rounded(now.sog_kn)} kn · ${rounded(now.cog_deg, 0)}°` : "–");
    stale.hidden = !now?.stale;
    setText(stale, t("vessel.stale"));
    const locked = selected.current?.id === id && selected.current.locked;
    lock.setAttribute("aria-pressed", String(locked));
    setText(lock, locked ? t("vessel.locked") : t("vessel.lock"));
    for (const one of ticks) one();
  };
  const load = async () => {
    try {
      said = await get<VesselCard>(`/vessels/${encodeURIComponent(id)}`);
      ticks = [];
      fill(body, ...content(said));
      tick();
      drawTrack(await get<Track>(`/vessels/${encodeURIComponent(id)}/track?hours=24`));
    } catch (error) {
      if (!said) fill(body, h("p", { class: "note" }, t("app.failed", { why: String((error as Error).message) })));
    }
  };
  const content = (card: VesselCard): (Node | false)[] => {
    const mismatch = (card.registry_mismatch ?? []).map(({ field, registered, said }) => `${field} ${said} ≠ ${registered}`).join(", ");
    return [
      lock,
      stale,
      mismatch !== "" && h("p", { class: "card-warning" }, `${t("vessel.mismatch")}: ${mismatch}`),
      facts(
        [t("vessel.mmsi"), card.mmsi || t("app.unknown")],
        [t("vessel.skipper"), card.skipper || (card.registered === false ? t("vessel.unknown") : t("app.unknown"))],
        [t("vessel.phone"), card.phone_masked ? phone(id, card.phone_masked) : t("app.unknown")],
        [t("vessel.harbour"), card.harbour?.name || card.harbour?.id],
        [t("vessel.lastFix"), fix],
        [t("vessel.speed"), motion],
      ),
      section(t("vessel.alerts"), alerts(card.alerts ?? [], selected)),
    ];
  };
  void load();
  const renew = window.setInterval(() => void load(), 15_000);
  const name = () => item()?.name || said?.name || item()?.mmsi || id;
  const title = h("h2", {}, name());
  const kind = h("p", { class: "card-kind" }, word("kind", item()?.kind) || t("vessel.title"));
  return {
    element: h("div", {}, kind, title, body),
    tick: () => {
      setText(title, name());
      tick();
    },
    place: () => {
      const now = item();
      return now?.lon_deg !== undefined && now.lat_deg !== undefined ? [now.lon_deg, now.lat_deg] : null;
    },
    end: () => {
      window.clearInterval(renew);
      drawTrack(null);
    },
  };
}

/** The masked number, and the way to the whole one: a reason, which the gateway logs. */
function phone(id: string, masked: string): HTMLElement {
  const number = h("span", { class: "phone" }, masked);
  const place = h("span");
  const box = h("span", { class: "phone-box" }, number, place);
  if (!may("reveal")) return box;
  const offer = () => {
    fill(place, button(t("vessel.reveal"), ask, "small", { "data-action": "reveal" }));
  };
  const ask = () => {
    const reason = h("input", { attrs: { id: "reveal-reason", required: true, maxlength: 200, minlength: 3 } });
    fill(
      place,
      h(
        "form",
        {
          class: "action-form",
          on: {
            submit: (event) => {
              event.preventDefault();
              post<{ phone: string }>(`/vessels/${encodeURIComponent(id)}/reveal`, { reason: reason.value.trim() }).then(
                (answer) => {
                  setText(number, answer.phone);
                  fill(place, h("em", { class: "note" }, t("vessel.revealed")));
                },
                (error: Error) => fill(place, h("em", { class: "card-warning" }, t("app.failed", { why: error.message }))),
              );
            },
          },
        },
        h("label", { attrs: { for: "reveal-reason" } }, t("vessel.revealWhy")),
        reason,
        h("p", { class: "form-buttons" }, h("button", { class: "primary", attrs: { type: "submit" } }, t("vessel.reveal")), button(t("act.cancel"), offer)),
      ),
    );
    reason.focus();
  };
  offer();
  return box;
}

/** A card's alerts as buttons that open them. */
export function alerts(list: readonly Alert[], selected: Selected): HTMLElement {
  if (list.length === 0) return h("p", { class: "note" }, t("app.none"));
  return h(
    "ul",
    { class: "mini-list" },
    ...list.map((alert) =>
      h("li", {}, h(
        "button",
        { class: "mini", attrs: { type: "button" }, on: { click: () => selected.open("alert", alert.alert_id ?? alert.id) } },
        h("strong", {}, word("kind", alert.kind)),
        h("span", {}, alert.sentence ?? ""),
      )),
    ),
  );
}
