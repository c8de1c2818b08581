/** What is looked at: one thing, and whether it is locked and followed. */

export type Kind = "vessel" | "sensor" | "camera" | "venue" | "incident" | "case" | "alert";

export interface Selection {
  kind: Kind;
  id: string;
  locked: boolean;
}

type Listener = (selection: Selection | null) => void;

export class Selected {
  current: Selection | null = null;
  private readonly listeners: Listener[] = [];

  on(tell: Listener): void {
    this.listeners.push(tell);
  }

  open(kind: Kind, id: string, locked = false): void {
    this.current = { kind, id, locked };
    this.tell();
  }

  lock(locked: boolean): void {
    if (!this.current || this.current.locked === locked) return;
    this.current = { ...this.current, locked };
    this.tell();
  }

  close(): void {
    if (!this.current) return;
    this.current = null;
    this.tell();
  }

  private tell(): void {
    for (const listener of this.listeners) listener(this.current);
  }
}
