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

const RENEW_MS = 15_000;

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
  const mismatch = h("p", { class: "card-warning" });
  const registered = h("div");
  const open = h("div");
  const drawn = new Map<HTMLElement, string>();
  let age = aged(null);
  let ageOf = "";
  let said: VesselCard | null = null;
  let ended = false;

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
  };
  const load = async () => {
    try {
      draw(await get<VesselCard>(`/vessels/${encodeURIComponent(id)}`));
      const track = await get<Track>(`/vessels/${encodeURIComponent(id)}/track?hours=24`);
      if (!ended) drawTrack(track);
    } catch (error) {
      if (!said) fill(body, h("p", { class: "note" }, t("app.failed", { why: String((error as Error).message) })));
    }
  };
  const draw = (card: VesselCard) => {
    if (!said) fill(body, lock, stale, mismatch, registered, section(t("vessel.alerts"), open));
    said = card;
    const unlike = (card.registry_mismatch ?? []).map((one) => `${word("register", one.field)} ${one.said} ≠ ${one.registered}`);
    mismatch.hidden = unlike.length === 0;
    setText(mismatch, `${t("vessel.mismatch")}: ${unlike.join(", ")}`);
    const { mmsi, skipper, phone_masked, harbour } = card;
    renew(registered, [mmsi, skipper, phone_masked, harbour, card.registered], () =>
      facts(
        [t("vessel.mmsi"), mmsi || t("app.unknown")],
        [t("vessel.skipper"), skipper || (card.registered === false ? t("vessel.unknown") : t("app.unknown"))],
        [t("vessel.phone"), phone_masked ? phone(id, phone_masked) : t("app.unknown")],
        [t("vessel.harbour"), harbour?.name || harbour?.id],
        [t("vessel.lastFix"), fix],
        [t("vessel.speed"), motion],
      ),
    );
    const list = card.alerts ?? [];
    renew(open, list.map((one) => [one.id, one.kind, one.sentence]), () => alerts(list, selected));
    tick();
  };
  /** Draw a part when it says something else: a reason half written, and a number just read, stay. */
  const renew = (part: HTMLElement, says: unknown, make: () => HTMLElement) => {
    const now = JSON.stringify(says);
    if (drawn.get(part) === now) return;
    drawn.set(part, now);
    fill(part, make());
  };
  void load();
  const reload = window.setInterval(() => void load(), RENEW_MS);
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
      ended = true;
      window.clearInterval(reload);
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
    const reason = h("input", { attrs: { id: "reveal-reason", required: true, maxlength: 200, minlength: 4 } });
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
