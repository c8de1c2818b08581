/** The buttons of a matter: by role, with the fields that an action needs; the answer is an event. */
import type { Case } from "../data/cases";
import type { Command, Commands, Outcome } from "../data/commands";
import { nowMs } from "../data/time";
import type { Incident } from "../data/types";
import { button, fill, h, setText } from "../ui/dom";
import { t } from "../ui/i18n";
import { may } from "../ui/session";
import type { Key } from "../ui/strings";
import { form, type Action, type Choice, type Values } from "./forms";

const CASE_STEPS: Record<string, readonly string[]> = {
  detected: ["accept"],
  dispatched: ["accept"],
  returned: ["accept"],
  accepted: ["depart"],
  departed: ["arrive"],
  "on-site": ["handle"],
  handled: ["verify"],
  "handled-unverified": ["verify"],
  verified: ["close"],
};

const ACTIONS: Record<string, Action> = {
  accept: { name: "accept", right: "accept", topic: "case", fields: [] },
  depart: { name: "depart", right: "depart", topic: "case", fields: [] },
  arrive: { name: "arrive", right: "arrive", topic: "case", fields: [] },
  handle: { name: "handle", right: "handle", topic: "case", fields: [] },
  verify: { name: "verify", right: "verify", topic: "case", fields: ["reason"] },
  close: { name: "close", right: "close", topic: "case", fields: ["reason"] },
  reassign: { name: "reassign", right: "reassign", topic: "case", fields: ["to_unit", "reason"] },
  return: { name: "return", right: "return", topic: "case", fields: ["reason"] },
  "false-alarm": { name: "false-alarm", right: "false-alarm", topic: "case", fields: ["reason"] },
  note: { name: "note", right: "note", topic: "case", fields: ["reason"] },
  receipt: { name: "receipt", right: "receipt", topic: "case", fields: ["for_unit"] },
  silence: { name: "silence", right: "silence", topic: "incident", fields: ["minutes", "reason"], optional: ["second"] },
  split: { name: "split", right: "split", topic: "incident", fields: ["alert_ids", "reason"] },
  // The case's own `merge` is another: cases whose incidents stay apart.
  merge: { name: "merge", right: "merge", topic: "incident", fields: ["others", "reason"] },
};

export const CITY_TASK: Action = {
  name: "city-task",
  right: "city-task",
  topic: "case",
  fields: ["text", "areas"],
  optional: ["areas"],
};

/** What a matter's actions are about. */
export interface Aim {
  record: Case | undefined;
  incident: Incident | undefined;
  /** The matters of the incident that can be split away. */
  parts(): readonly Choice[];
  /** Whether there are incidents that could join it, and which. */
  hasOthers: boolean;
  others(): readonly Choice[];
}

/** Which actions a matter offers to the person at the screen, the next step first. */
export function offered({ record, incident, parts, hasOthers }: Aim): Action[] {
  const names: string[] = [];
  if (record && record.open !== false) {
    const isAsked = (record.unanswered?.length ?? 0) > 0;
    names.push(...(isAsked ? ["receipt"] : (CASE_STEPS[record.state ?? ""] ?? [])), "reassign", "return", "false-alarm");
    if (!names.includes("close")) names.push("close");
  }
  if (incident && incident.open !== false) {
    names.push("silence");
    if (parts().length) names.push("split");
    if (hasOthers) names.push("merge");
  }
  return names.map((name) => ACTIONS[name]).filter((action): action is Action => action !== undefined && may(action.right));
}

export class Actions {
  readonly element = h("div", { class: "actions", attrs: { tabindex: -1 } });
  private readonly answer = h("p", { class: "answer", attrs: { role: "status", "aria-live": "polite" } });
  private readonly formPlace = h("div");
  private readonly buttons = h("div", { class: "action-buttons" });
  private drawn = "";

  constructor(
    private readonly commands: Commands,
    private readonly aim: () => Aim,
  ) {
    fill(this.element, this.buttons, this.formPlace, this.answer);
  }

  /** Draw the buttons anew when what is offered has changed. */
  update(past: boolean): void {
    const aim = this.aim();
    const actions = past ? [] : offered(aim);
    const drawn = past ? "past" : actions.map((action) => action.name).join(" ") + t("act.title");
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    const note = past ? t("act.past") : actions.length === 0 && (aim.record || aim.incident) ? t("act.readOnly") : "";
    fill(
      this.buttons,
      ...actions.map((action, i) =>
        button(t(`act.${action.name}` as Key), () => this.begin(action), i === 0 ? "primary" : "", {
          "data-action": action.name,
        }),
      ),
      note && h("p", { class: "note" }, note),
    );
  }

  /** Do the first offered step at once, if it needs no words. */
  first(): void {
    const action = offered(this.aim())[0];
    if (action) this.begin(action);
  }

  private begin(action: Action): void {
    const aim = this.aim();
    const choices = choicesOf(action, aim);
    if (action.fields.length === 0) void this.send(action, {});
    else fill(this.formPlace, form(action, (values) => void this.send(action, values), () => this.shut(), choices));
    this.formPlace.querySelector<HTMLElement>("input, textarea")?.focus();
  }

  /** Take the form away; the keyboard goes on from where it stood. */
  private shut(): void {
    const wasHere = this.formPlace.contains(document.activeElement);
    fill(this.formPlace);
    if (wasHere) this.element.focus();
  }

  private async send(action: Action, values: Values): Promise<void> {
    this.shut();
    await this.commands.send(commandOf(action, values, this.aim()), (outcome) => tellOutcome(this.answer, outcome));
  }
}

function choicesOf(action: Action, { record, parts, others }: Aim): readonly Choice[] {
  if (action.name === "split") return parts();
  if (action.name === "merge") return others();
  const names = new Map((record?.orders ?? []).map((order) => [order.unit, order.unit_name]));
  return (record?.unanswered ?? []).map((unit) => ({ id: unit, label: names.get(unit) || unit }));
}

/** Words for how a command stands. */
export function outcomeWords(outcome: Outcome): string {
  switch (outcome.state) {
    case "pending":
      return outcome.forS ? t("act.slow", { s: outcome.forS }) : t("act.pending");
    case "accepted":
      return [t("act.accepted"), outcome.reply.hint].filter(Boolean).join(" · ");
    case "refused":
      return t("act.refused", { why: outcome.why });
  }
}

/** Say how a command stands, in a line that is read out. */
export function tellOutcome(line: HTMLElement, outcome: Outcome): void {
  line.dataset["tone"] = outcome.state;
  setText(line, outcomeWords(outcome));
}

/** The wire form of what a person asked for. */
export function commandOf(action: Action, values: Values, { record, incident }: Partial<Aim> = {}): Command {
  const words = (text: string | undefined) => (text ?? "").split(/[\s,，、]+/).filter(Boolean);
  const reason = values.reason ?? "";
  switch (action.name) {
    case "silence": {
      const minutes = Math.min(10_080, Math.max(1, Number(values.minutes) || 30));
      return {
        topic: "incident",
        action: "silence",
        incident_id: incident?.id ?? "",
        kinds: incident?.kind ? [incident.kind] : [],
        ...(incident?.area ? { area: incident.area } : { subjects: incident?.subject ? [incident.subject] : [] }),
        until_time: new Date(nowMs() + minutes * 60_000).toISOString(),
        reason,
        ...(values.second ? { second: values.second } : {}),
      };
    }
    case "split":
      return { topic: "incident", action: "split", incident_id: incident?.id ?? "", alert_ids: values.chosen ?? [], reason };
    case "merge":
      return { topic: "incident", action: "merge", incident_id: incident?.id ?? "", others: values.chosen ?? [], reason };
    case "city-task":
      return {
        topic: "case",
        action: "city-task",
        subject: "city",
        text: values.text ?? "",
        areas: words(values.areas),
      };
    case "receipt":
      return { topic: "case", action: "receipt", subject: record?.case_id ?? record?.id ?? "", unit: values.chosen?.[0] ?? "" };
    default:
      return {
        topic: "case",
        action: action.name,
        subject: record?.case_id ?? record?.id ?? "",
        ...(reason ? { reason } : {}),
        ...(values.to_unit ? { to_unit: values.to_unit } : {}),
      };
  }
}
