import { expect, it } from "vitest";
import { clock } from "../src/lib/format";
import { told } from "../src/charts/heat";
import type { Cores } from "../src/lib/types";

const MAP: Cores = { host: "algo-1", from: 1000, to: 1100, cores: [0, 2], busy: [[1, 2, 3, 4], [5, null, 7, 99.5]] };

it.each([
  [0, 0, `core 0 · ${clock(1012.5)} · 1 %`],
  [0.3, 0.6, `core 2 · ${clock(1037.5)} · not sampled`],
  [1, 1, `core 2 · ${clock(1087.5)} · 99.5 %`],
])("at %s across and %s down", (across, down, text) => expect(told(MAP, across, down)).toBe(text));

it("tells nothing of a map without cores", () => expect(told({ ...MAP, cores: [], busy: [] }, 0.5, 0.5)).toBe(""));
