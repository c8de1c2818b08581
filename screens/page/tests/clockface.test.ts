import { describe, expect, it } from "vitest";
import { face, urgency, type Promise4 } from "../src/lists/clockface";

const running: Promise4 = {
  clock: "respond", startMs: 0, deadlineMs: 60_000, stoppedMs: null, breached: false, paused: false,
};

describe("a promise's clock", () => {
  it("counts down, warns at four fifths, and is late from its deadline on", () => {
    expect(face(running, 15_000)).toEqual({ standing: "running", leftS: 45, used: 0.25 });
    expect(face(running, 48_000).standing).toBe("warn");
    expect(face(running, 60_000).standing).toBe("late");
    expect(face(running, 75_000)).toEqual({ standing: "late", leftS: -15, used: 1 });
  });

  it("stands still where it was stopped, and a breach stays one", () => {
    const kept = { ...running, stoppedMs: 30_000 };
    expect(face(kept, 999_000)).toEqual({ standing: "met", leftS: 30, used: 0.5 });
    expect(face({ ...kept, breached: true }, 999_000).standing).toBe("missed");
    expect(face({ ...running, stoppedMs: 61_000 }, 999_000).standing).toBe("missed");
  });

  it("has not begun without a deadline, and waits while paused", () => {
    expect(face({ ...running, deadlineMs: null }, 5)).toEqual({ standing: "waiting", leftS: null, used: null });
    expect(face({ ...running, paused: true }, 70_000).standing).toBe("paused");
  });

  it("puts the matter whose next open deadline is nearest first", () => {
    const stopped = { ...running, stoppedMs: 1 };
    const later = { ...running, deadlineMs: 90_000 };
    expect(urgency([stopped, later])).toBe(90_000);
    expect(urgency([stopped])).toBe(Number.POSITIVE_INFINITY);
  });
});
