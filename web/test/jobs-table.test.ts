import { describe, expect, it } from "vitest";
import { column, comparable, naturalOrder, path, quotedName, shown } from "../src/jobs/columns";
import { unfit } from "../src/jobs/actions";
import { Lines } from "../src/jobs/lines";

const GROUPS = [
  { value: "a", count: 2, aggregates: {} },
  { value: null, count: 1, aggregates: {} },
];

describe("columns of the table of jobs", () => {
  it("are called as people read them", () => {
    expect(column("metrics.validation:loss.best")).toMatchObject({ title: "validation:loss best", group: "metrics", kind: "number" });
    expect(column('metrics."a b".last').title).toBe("a b");
    expect(column("params.optimizer.best").title).toBe("optimizer.best");
    expect(column(`tags.${quotedName('say "x"')}`).title).toBe('say "x"');
    expect(column("metrics.loss.curve")).toMatchObject({ title: "loss curve", group: "metrics", kind: "curve" });
    expect(["metrics.loss.curve", "metrics", "metrics.loss.best", "tags.curve"].filter((text) => comparable(column(text)))).toEqual(["metrics.loss.best", "tags.curve"]);
    expect([column("created"), column("name")].map(naturalOrder)).toEqual(["desc", "asc"]);
  });
  it("show values by their kind", () => {
    expect(shown("duration", 75, 0)).toBe("1 m 15 s");
    expect(shown("number", "NaN", 0)).toBe("NaN");
    expect(shown("any", true, 0)).toBe("true");
    expect(shown("text", null, 0)).toBe("–");
  });
});

describe("the shape of a curve", () => {
  const drawn = (...values: (number | null)[]) => path({ first: 0, last: 0, best: 0, values });
  it("fills its place, and goes over what is missing", () => {
    expect(drawn(4, 2, 0)).toBe("M0 0L0.5 0.5L1 1");
    expect(drawn(1, null, 3)).toBe("M0 1L1 0");
  });
  it("is a line in the middle where nothing changes, and a point where there is one", () => {
    expect(drawn(5, 5)).toBe("M0 0.5L1 0.5");
    expect(drawn(5)).toBe("M0 0.5");
  });
});

describe("lines of the table of jobs", () => {
  const every = (lines: Lines) => Array.from({ length: lines.count }, (_, at) => lines.at(at));
  it("are the jobs, or groups with those of their jobs that are not folded", () => {
    expect(every(new Lines(2, [], new Set()))).toEqual([{ job: 0 }, { job: 1 }]);
    expect(every(new Lines(3, GROUPS, new Set()))).toEqual([{ group: 0 }, { job: 0 }, { job: 1 }, { group: 1 }, { job: 2 }]);
    expect(every(new Lines(3, GROUPS, new Set(["a"])))).toEqual([{ group: 0 }, { group: 1 }, { job: 2 }]);
  });
  it("tell where a job stands, and the jobs between two lines", () => {
    const [plain, grouped, folded] = [new Lines(3, [], new Set()), new Lines(3, GROUPS, new Set()), new Lines(3, GROUPS, new Set(["a"]))];
    expect([0, 1, 2].map((place) => plain.of(place))).toEqual([0, 1, 2]);
    expect([0, 1, 2].map((place) => grouped.of(place))).toEqual([1, 2, 4]);
    expect([0, 1, 2].map((place) => folded.of(place))).toEqual([undefined, undefined, 2]);
    expect([plain.jobs(-5, 1), grouped.jobs(0, 9), folded.jobs(0, 1)]).toEqual([[0, 1], [0, 1, 2], []]);
  });
});

describe("what cannot be done to a job", () => {
  const job = { name: "j", arn: "", status: "InProgress", exit_code: null, created_by_api: false, tags: {}, values: [] };
  const none = { key: "", value: "" };
  it("says why", () => {
    expect(unfit("stop", job, none)).toContain("where it runs");
    expect(unfit("stop", { ...job, created_by_api: true }, none)).toBe("");
    expect(unfit("stop", { ...job, status: "Failed" }, none)).toContain("ended");
    expect(unfit("delete", job, none)).toContain("stop it first");
    expect(unfit("untag", job, { key: "team", value: "" })).toContain("no tag team");
  });
});
