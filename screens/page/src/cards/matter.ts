/** A matter's card: the case with its clocks, its incident, its alerts, what was done, what can be done. */
import { get } from "../data/api";
import { promises, type Case } from "../data/cases";
import type { Commands } from "../data/commands";
import { ms, nowMs, timeOfDay } from "../data/time";
import type { Alert, Hold, Incident } from "../data/types";
import type { Shown } from "../data/view";
import { Clocks } from "../lists/clocks";
import { caseOfIncident, incidentOfAlert } from "../lists/matters";
import { button, fill, h, setText } from "../ui/dom";
import { t, word } from "../ui/i18n";
import type { Kind, Selected } from "../ui/selection";
import { Actions } from "./actions";
import { placeOf } from "./devices";
import { othersThan, partsOf } from "./joining";
import { facts, section, type Card } from "./parts";
import { alerts as alertList } from "./vessel";

/** One message of a matter's story. */
interface Entry {
  what: string;
  at?: string;
  message: {
    action?: string;
    transition?: string;
    change?: string;
    kind?: string;
    by?: string;
    clock?: string;
    unit_name?: string;
    unit?: string;
    text?: string;
    reason?: string;
    photo?: string;
  };
}

/** What the gateway adds to a matter. */
interface Told {
  story?: Entry[];
}

const MOST_STEPS = 40;

export interface MatterCard extends Card {
  first(): void;
}

export function matterCard(kind: Kind, id: string, shown: Shown, selected: Selected, commands: Commands): MatterCard {
  const found = () => find(kind, id, shown);
  const clocks = new Clocks();
  const clocksPart = section(t("matter.clocks"), clocks.element);
  const known = h("div");
  const story = h("div");
  const sentence = h("p", { class: "card-sentence" });
  const title = h("h2");
  const label = h("p", { class: "card-kind" });
  const actions = new Actions(commands, () => {
    const { record, incident } = found();
    return { record, incident, parts: () => partsOf(incident), hasOthers: shown.now.all("incidents").size > 1, others: () => othersThan(incident, shown) };
  });
  let drawn = "";
  let toldFor = "";

  const tell = async (path: string | null, incident: Incident | undefined) => {
    const ids = incident?.alert_ids ?? [];
    const about = ids.map((one) => shown.now.get<Alert>("alerts", one)).filter((one) => one !== undefined && one.id !== id);
    const list = section(t("matter.alerts"), alertList(about as Alert[], selected));
    try {
      const told = path ? await get<Told>(path) : {};
      fill(story, about.length ? list : null, told.story?.length ? section(t("matter.story"), steps(told.story)) : null);
    } catch (error) {
      fill(story, about.length ? list : null, h("p", { class: "note" }, t("app.failed", { why: (error as Error).message })));
    }
  };
  const tick = () => {
    const { record, incident, alert } = found();
    const now = JSON.stringify([record, incident, alert]);
    if (now !== drawn) {
      drawn = now;
      setText(label, record ? t("matter.case") : incident ? t("matter.incident") : t("matter.alert"));
      const about = word("kind", record?.incident_kind ?? incident?.kind ?? alert?.kind);
      setText(title, about || id);
      setText(sentence, record?.sentence || incident?.sentence || alert?.sentence || "");
      fill(known, matterFacts(record, incident, alert, selected, shown));
      clocksPart.hidden = !record;
      const version = `${record?.updated}${record?.state}${incident?.updated}${incident?.alert_count}${alert?.updated}`;
      if (version !== toldFor) {
        toldFor = version;
        const path = record ? `/cases/${record.id}` : incident ? `/incidents/${incident.id}` : alert ? `/alerts/${alert.id}` : null;
        void tell(path, incident);
      }
    }
    if (record) clocks.update(promises(record), shown.pastMs ?? nowMs());
    actions.update(shown.pastMs !== null);
  };
  tick();
  return {
    element: h(
      "div",
      {},
      label,
      title,
      h("div", { class: "card-body" }, sentence, clocksPart, section(t("act.title"), actions.element), known, story),
    ),
    tick,
    place: () => {
      const { record, incident, alert } = found();
      return placeOf(record) ?? placeOf(incident) ?? placeOf(alert);
    },
    first: () => actions.first(),
  };
}

function find(kind: Kind, id: string, shown: Shown) {
  const store = shown.now;
  const alert = kind === "alert" ? store.get<Alert>("alerts", id) : undefined;
  const known = kind === "case" ? store.get<Case>("cases", id) : undefined;
  const incidentId = kind === "incident" ? id : known?.incident_id;
  const incident = incidentId ? store.get<Incident>("incidents", incidentId) : kind === "alert" ? incidentOfAlert(store, id) : undefined;
  const record = known ?? caseOfIncident(store, incident?.incident_id ?? incident?.id ?? incidentId);
  return { record, incident, alert };
}

function matterFacts(
  record: Case | undefined,
  incident: Incident | undefined,
  alert: Alert | undefined,
  selected: Selected,
  shown: Shown,
): HTMLElement {
  const subject = record?.subject ?? incident?.subject ?? alert?.subject;
  const since = ms(record?.opened_time ?? incident?.opened_time ?? alert?.onset_time);
  const severity = incident?.severity ?? alert?.severity;
  return h("div", { class: "card-body" }, facts(
    [t("matter.state"), record ? word("state", record.state) : incident ? word("state", incident.state) : null],
    [t("matter.unit"), record ? [record.unit_name || record.unit, word("level", record.level)].filter(Boolean).join(" · ") : t("matter.noCase")],
    [t("matter.since"), since === null ? null : timeOfDay(since)],
    [t("list.lifeSafety"), (record?.life_safety ?? incident?.life_safety) ? "●" : null],
    ["", severity ? word("severity", severity) : null],
    [t("matter.place"), record?.community || record?.area || incident?.area || alert?.area],
    [t("matter.subject"), subject ? subjectLink(subject, selected, shown) : null],
    ["", record?.returns ? t("matter.returns", { n: record.returns }) : null],
    [t("matter.held"), incident?.held?.map((why) => heldWords(why, shown)).join(", ")],
    [t("matter.joined"), incident?.merged_into ? button(t("matter.goesOn"), () => selected.open("incident", incident.merged_into ?? ""), "link") : null],
  ), record && receipts(record));
}

/** Who was asked by a function of the city, and who has answered. */
function receipts(record: Case): HTMLElement | null {
  const answered = record.answered ?? [];
  const waiting = record.unanswered ?? [];
  if (answered.length + waiting.length === 0) return null;
  const names = new Map((record.orders ?? []).map((order) => [order.unit, order.unit_name || order.unit]));
  const due = ms(record.due_time);
  const line = (unit: string, has: boolean) =>
    h("li", { attrs: { "data-receipt": has ? "answered" : "waiting" } }, h("span", {}, names.get(unit) ?? unit), h("em", {}, t(has ? "receipt.answered" : "receipt.waiting")));
  return section(
    t("receipt.title", { n: answered.length, of: answered.length + waiting.length }),
    due === null ? null : h("p", { class: "note" }, t("receipt.due", { time: timeOfDay(due, false) })),
    h("ul", { class: "receipts" }, ...waiting.map((unit) => line(unit, false)), ...answered.map((unit) => line(unit, true))),
  );
}

/** Why nobody is sent, in words; of a silence, whose it is and until when. */
function heldWords(why: string, shown: Shown): string {
  const [name = "", about = ""] = why.split(/:(.*)/s);
  const silence = name === "silence" ? shown.live.get<Hold>("holds", about) : undefined;
  const until = ms(silence?.until_time);
  if (silence && until !== null) return t("holds.silenced", { by: silence.by ?? "", time: timeOfDay(until, false) });
  return [word("held", name), name === "silence" ? "" : word("mode", about)].filter(Boolean).join(" ");
}

/** The name of what it is about; a button where that has a card. */
function subjectLink(subject: string, selected: Selected, shown: Shown): Node {
  const kinds = [["vessels", "vessel"], ["sensors", "sensor"], ["cameras", "camera"]] as const;
  for (const [layer, kind] of kinds) {
    if (shown.now.get(layer, subject)) return button(subject, () => selected.open(kind, subject), "link");
  }
  return document.createTextNode(subject);
}

function steps(story: readonly Entry[]): HTMLElement {
  const newest = [...story].reverse().slice(0, MOST_STEPS);
  return h(
    "ol",
    { class: "story" },
    ...newest.map(({ what, at, message }) => {
      const instant = ms(at);
      return h(
        "li",
        {},
        h("time", {}, instant === null ? "" : timeOfDay(instant)),
        h("span", {}, stepWords(what, message)),
        message.reason ? h("em", {}, message.reason) : null,
        message.photo ? h("em", {}, t("matter.photo", { reference: message.photo })) : null,
      );
    }),
  );
}

function stepWords(what: string, message: Entry["message"]): string {
  const parts =
    what === "case-step"
      ? [stepName(message.action), message.clock && word("clock", message.clock), message.by !== "city" && message.by]
      : what === "reminder"
        ? [word("what", what), message.text]
        : [
            what === "alert" ? word("kind", message.kind) : word("what", what),
            word("change", message.transition ?? message.change),
            message.unit_name || message.unit,
          ];
  return parts.filter(Boolean).join(" · ");
}

/** The city's own steps have names of their own; people's are named as their buttons. */
function stepName(action: string | undefined): string {
  const name = word("step", action);
  return name === action ? word("act", action) : name;
}
