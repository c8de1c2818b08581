/** Commands: sent once, answered by an event of the `commands` layer, never assumed done. */
import { refusal } from "../ui/i18n";
import { post } from "./api";
import type { Reply } from "./types";
import type { Shown } from "./view";

export interface Command {
  topic: "case" | "incident";
  action: string;
  [field: string]: unknown;
}

export type Outcome =
  | { state: "pending"; forS: number }
  | { state: "accepted"; reply: Reply }
  | { state: "refused"; why: string };

type Tell = (outcome: Outcome) => void;

const SLOW_S = 10;

export class Commands {
  private readonly waiting = new Map<string, { tell: Tell; sentMs: number }>();

  constructor(private readonly shown: Shown) {
    shown.live.on(["commands"], () => this.look());
    window.setInterval(() => this.remind(), 1_000);
  }

  /** Send a command; `tell` hears that it waits, and how it ended. */
  async send(command: Command, tell: Tell): Promise<void> {
    tell({ state: "pending", forS: 0 });
    try {
      const { command_id } = await post<{ command_id: string }>("/commands", command);
      this.waiting.set(command_id, { tell, sentMs: Date.now() });
      this.look();
    } catch (error) {
      tell({ state: "refused", why: error instanceof Error ? error.message : String(error) });
    }
  }

  private look(): void {
    for (const reply of this.shown.live.all<Reply>("commands").values()) {
      const id = reply.command_id ?? reply.id;
      const asked = this.waiting.get(id);
      if (!asked) continue;
      this.waiting.delete(id);
      if (reply.accepted) asked.tell({ state: "accepted", reply });
      else {
        asked.tell({ state: "refused", why: refusal(reply.reason, reply.hint) });
      }
    }
  }

  private remind(): void {
    for (const { tell, sentMs } of this.waiting.values()) {
      const forS = Math.floor((Date.now() - sentMs) / 1000);
      if (forS >= SLOW_S) tell({ state: "pending", forS });
    }
  }
}
