import { describe, expect, it } from "vitest";
import { pixels } from "../src/map/pixels";

describe("the pixels of the map", () => {
  it("are fewer where the address says so: a share of the display's own, within reason", () => {
    expect(pixels("?layout=wall&pixels=0.5", 2)).toEqual({ pixelRatio: 1 });
    expect(pixels("?pixels=0.25", 1)).toEqual({ pixelRatio: 0.25 });
  });

  it.each(["", "?pixels=", "?pixels=1", "?pixels=4", "?pixels=0.1", "?pixels=-1", "?pixels=half"])(
    "are the display's own with %j",
    (query) => {
      expect(pixels(query, 2)).toEqual({});
    },
  );
});
