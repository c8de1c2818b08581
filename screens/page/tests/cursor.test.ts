import { describe, expect, it } from "vitest";
import { CursorGate } from "../src/data/cursor";

describe("the gate of a stream", () => {
  it("takes nothing before a snapshot, and nothing twice", () => {
    const gate = new CursorGate();
    expect(gate.judge({ type: "delta", cursor: "1-a" })).toBe("await-snapshot");
    expect(gate.judge({ type: "snapshot", cursor: "2-a" })).toBe("apply");
    expect(gate.judge({ type: "delta", cursor: "3-a" })).toBe("apply");
    expect(gate.judge({ type: "delta", cursor: "3-a" })).toBe("repeat");
    expect(gate.cursor).toBe("3-a");
  });

  it("waits for a snapshot after a resync, and does not resume from before it", () => {
    const gate = new CursorGate();
    gate.judge({ type: "snapshot", cursor: "2-a" });
    expect(gate.judge({ type: "resync", cursor: "9-b", reason: "density" })).toBe("apply");
    expect(gate.cursor).toBeNull();
    expect(gate.judge({ type: "delta", cursor: "10-b" })).toBe("await-snapshot");
  });

  it("lets health pass without moving the cursor", () => {
    const gate = new CursorGate();
    gate.judge({ type: "snapshot", cursor: "2-a" });
    expect(gate.judge({ type: "health", cursor: "5-a", now: "", feeds: [] })).toBe("apply");
    expect(gate.cursor).toBe("2-a");
  });
});
