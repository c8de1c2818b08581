/** Which frames of a stream to apply, by their cursor: nothing twice, nothing after a hole. */
import type { Frame } from "./types";

export type Verdict = "apply" | "repeat" | "await-snapshot";

export class CursorGate {
  /** The cursor (an opaque text) to resume from; null before the first snapshot and after a `resync`. */
  cursor: string | null = null;

  judge(frame: Frame): Verdict {
    switch (frame.type) {
      case "health":
        return "apply";
      case "resync":
        this.cursor = null;
        return "apply";
      case "snapshot":
        this.cursor = frame.cursor;
        return "apply";
      case "delta":
        if (this.cursor === null) return "await-snapshot";
        if (frame.cursor === this.cursor) return "repeat";
        this.cursor = frame.cursor;
        return "apply";
    }
  }
}
