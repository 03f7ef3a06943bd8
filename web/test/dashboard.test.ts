import { describe, expect, it, vi } from "vitest";
import { arranged, nameOf, type AlarmState } from "../src/dashboards/alarmstates";
import { neighbour, settled, withBoxes, withChanged, withCopy, within, withMembers, withoutWidget, withWidget } from "../src/dashboards/dashboard";
import { at, withProperty } from "../src/dashboards/editor/properties";
import { begun, changed, redone, undone } from "../src/dashboards/history";
import { jsonFault, lineOf, placeOf } from "../src/dashboards/jsonplace";
import { arrangedBoards } from "../src/dashboards/listing";
import { joined, logPicture, parted } from "../src/dashboards/logresults";
import { results } from "../src/logs/query";
import { Queue } from "../src/dashboards/queue";
import { spelled } from "../src/metrics/graph";

vi.mock("../src/lib/theme.svelte", () => ({ colour: (name: string) => name }));

const box = (x: number, y: number, width = 6, height = 6) => ({ x, y, width, height });

describe("a dashboard's grid", () => {
  it("keeps a box within its 24 columns", () => {
    expect(within(box(22, -3))).toEqual(box(18, 0));
    expect(within({ x: 0, y: 0, width: 40, height: 0 })).toEqual({ x: 0, y: 0, width: 24, height: 1 });
  });

  it("leaves boxes where they are while nothing lies on them", () => {
    const boxes = [box(0, 0), box(6, 0), box(0, 6)];
    expect(settled(boxes, 1)).toEqual(boxes);
  });

  it("lets what a box is put upon go down, and what lies below that, too", () => {
    expect(settled([box(0, 0), box(0, 0), box(0, 6)], 1)).toEqual([box(0, 6), box(0, 0), box(0, 12)]);
  });

  it("knows what lies next to a box", () => {
    const [a, b, c] = [box(0, 0), box(6, 0), box(0, 6, 12)];
    expect(neighbour([a, b, c], a, "ArrowRight")).toBe(b);
    expect(neighbour([a, b, c], b, "ArrowLeft")).toBe(a);
    expect(neighbour([a, b, c], a, "ArrowDown")).toBe(c);
    expect(neighbour([a, b, c], a, "ArrowUp")).toBeNull();
  });
});

describe("a dashboard's body", () => {
  const text = { type: "text", x: 0, y: 0, width: 6, height: 3, properties: { markdown: "a" } };
  const source = JSON.stringify({ start: "-PT1H", widgets: [text] });

  it("keeps what it has when boxes change", () => {
    const body = JSON.parse(withBoxes(source, new Map([[0, box(3, 4)]])));
    expect(body).toEqual({ start: "-PT1H", widgets: [{ type: "text", ...box(3, 4), properties: { markdown: "a" } }] });
  });

  it("gets a widget below all others, a copy of one, and loses one", () => {
    const more = withWidget(source, { type: "text", properties: { markdown: "b" } });
    expect(JSON.parse(more).widgets[1]).toMatchObject({ x: 0, y: 3 });
    expect(JSON.parse(withoutWidget(more, 0)).widgets).toHaveLength(1);
    expect(JSON.parse(withCopy(source, 0)).widgets[1]).toEqual({ ...text, y: 3 });
  });

  it("keeps the box of a widget that is changed, and gives none to one without", () => {
    const other = { type: "text", properties: { markdown: "b" } };
    expect(JSON.parse(withChanged(source, 0, other)).widgets[0]).toEqual({ ...text, ...other });
    expect(JSON.parse(withChanged('{"widgets": [{"type": "text", "properties": {}}]}', 0, other)).widgets[0]).toEqual(other);
  });

  it("has only members that say something", () => {
    const body = JSON.parse(withMembers(source, { start: "", periodOverride: "inherit", variables: [] }));
    expect(body).toEqual({ widgets: [text], periodOverride: "inherit" });
  });
});

describe("changes", () => {
  it("are undone and done again, in order, and a new one ends what could be done again", () => {
    let now = changed(changed(begun("a"), "b", "to b"), "c", "to c");
    now = undone(now);
    expect([now.now, now.past.at(-1)?.what, now.future[0]?.what]).toEqual(["b", "to b", "to c"]);
    expect(redone(now).now).toBe("c");
    now = changed(now, "d", "to d");
    expect(now.future).toEqual([]);
    expect(undone(undone(undone(now))).now).toBe("a");
    expect(changed(now, "d", "nothing")).toBe(now);
  });
});

describe("properties", () => {
  it("are set deep, and leave nothing empty behind", () => {
    const set = withProperty({ view: "gauge" }, ["yAxis", "left", "min"], 0);
    expect(set).toEqual({ view: "gauge", yAxis: { left: { min: 0 } } });
    expect(at(set, ["yAxis", "left", "min"])).toBe(0);
    expect(at(set, ["yAxis", "right", "min"])).toBeUndefined();
    expect(withProperty(set, ["yAxis", "left", "min"], undefined)).toEqual({ view: "gauge" });
  });
});

describe("places in JSON", () => {
  const text = '{"a": [1, {"b, ]": "x\\"}"}],\n "c": {"d": null}}';

  it.each([
    ["", 0],
    ["/a", 6],
    ["/a/1", 10],
    ["/a/1/b, ]", 19],
    ["/c/d", text.indexOf("null")],
    ["/c/missing", text.indexOf('{"d"')],
    ["/nowhere", 0],
  ])("finds %s", (pointer, place) => {
    expect(placeOf(text, pointer)).toBe(place);
  });

  it("tells lines, and what keeps a text from being JSON", () => {
    expect(lineOf(text, placeOf(text, "/c"))).toBe(2);
    expect(jsonFault(text)).toBeNull();
    expect(jsonFault('{"a": }')?.at).toBe(6);
    expect(jsonFault('{"a": 1,\n "b" 2}')).toEqual({ at: 14, message: "2 cannot stand here in JSON." });
    expect(jsonFault('{"a"')?.at).toBe(4);
  });

  it("ends with every text, whatever it is", () => {
    for (let end = 0; end <= text.length; end++) expect(placeOf(text.slice(0, end), "/a/1")).toBeGreaterThanOrEqual(0);
  });
});

describe("rows of metrics", () => {
  it("are written out", () => {
    expect(spelled([["N", "a", "D", "x"], [".", "b", ".", "."], ["...", "y", { stat: "p9" }], [{ expression: "m1" }], [".", "."]])).toEqual([
      ["N", "a", "D", "x"],
      ["N", "b", "D", "x"],
      ["N", "b", "D", "y", { stat: "p9" }],
      [{ expression: "m1" }],
      ["N", "b"],
    ]);
  });
});

describe("rows of a log query", () => {
  const row = (values: Record<string, string>) => Object.entries(values).map(([field, value]) => ({ field, value }));
  const look = { stacked: false, title: "t", from: 0, to: 1 };
  const drawn = (rows: ReturnType<typeof row>[], how: Partial<Parameters<typeof logPicture>[2]>) =>
    logPicture(results(rows), "stats count(*) as many by host", { ...look, view: "bar", ...how });

  it("are asked of the groups that the query names", () => {
    expect(parted("SOURCE 'a' | SOURCE \"b\" | fields @message")).toEqual({ groups: ["a", "b"], query: "fields @message" });
    expect(parted(joined(["a", "b"], "fields x"))).toEqual({ groups: ["a", "b"], query: "fields x" });
  });

  const timed = [
    row({ "bin(5m)": "2026-01-01 00:05:00.000", host: "b", many: "4" }),
    row({ "bin(5m)": "2026-01-01 00:00:00.000", host: "b", many: "3" }),
    row({ "bin(5m)": "2026-01-01 00:00:00.000", host: "a", many: "1" }),
  ];
  const midnight = Date.parse("2026-01-01T00:00:00Z") / 1000;

  it("become a line for each group, in the order of time", () => {
    const found = drawn(timed, { view: "timeSeries" })!;
    expect(found.curves.map((one) => [one.label, one.timestamps, one.values])).toEqual([
      ["b", [midnight, midnight + 300], [3, 4]],
      ["a", [midnight], [1]],
    ]);
  });

  it("lie upon each other where they are stacked", () => {
    const found = drawn(timed, { view: "timeSeries", stacked: true })!;
    expect(found.curves.map((one) => one.values)).toEqual([[3, 4], [4, 4]]);
  });

  it("become shares, and nothing where there are no numbers or no time", () => {
    const shares = [row({ host: "a", many: "1" }), row({ host: "b", many: "2" })];
    expect(drawn(shares, { view: "pie" })!.curves.map((one) => [one.label, one.number])).toEqual([["b", 2], ["a", 1]]);
    expect(drawn(shares, { view: "timeSeries" })).toBeNull();
    expect(drawn([row({ "@message": "x", "@ptr": "p" })], { view: "bar" })).toBeNull();
    expect(results([row({ "@message": "x", "@ptr": "p" })]).columns).toEqual(["@message"]);
  });
});

describe("alarms of a widget", () => {
  const alarm = (AlarmName: string, StateValue: string, StateUpdatedTimestamp: number): AlarmState => ({ AlarmName, AlarmArn: AlarmName, StateValue, StateUpdatedTimestamp });
  const all = [alarm("b", "OK", 3), alarm("a", "ALARM", 1), alarm("c", "ALARM", 2)];
  const names = (found: AlarmState[]) => found.map((one) => one.AlarmName).join("");

  it("come by state and name, by state and change, or by change", () => {
    expect(names(arranged(all, "default", []))).toBe("acb");
    expect(names(arranged(all, "stateUpdatedTimestamp", []))).toBe("cab");
    expect(names(arranged(all, "timestamp", []))).toBe("bca");
    expect(names(arranged(all, "default", ["OK"]))).toBe("b");
    expect(nameOf("arn:aws:cloudwatch:r:1:alarm:a:b")).toBe("a:b");
  });
});

describe("the list of dashboards", () => {
  const entry = (name: string, size: number, tags: Record<string, string> = {}) => ({ name, arn: name, modified: size, size, tags, widgets: 1 });
  const all = [entry("b", 1), entry("a", 2, { team: "vision" }), entry("c", 3)];
  const names = (wanted: Partial<Parameters<typeof arrangedBoards>[1]>) =>
    arrangedBoards(all, { search: "", sort: "name", descending: false, stars: [], ...wanted }).map((one) => one.name).join("");

  it("has those with a star first, in the order and with the words that are wanted", () => {
    expect(names({ stars: ["c"] })).toBe("cab");
    expect(names({ sort: "size", descending: true })).toBe("cab");
    expect(names({ search: "team=vision" })).toBe("a");
  });
});

describe("a queue of requests", () => {
  it("has no more under way than it may, and leaves out what nobody wants any more", async () => {
    const queue = new Queue(2);
    const signal = new AbortController().signal;
    const gone = new AbortController();
    let under = 0;
    let most = 0;
    const ask = async () => {
      most = Math.max(most, ++under);
      await Promise.resolve();
      under -= 1;
      return most;
    };
    const asked = Array.from({ length: 9 }, () => queue.run(ask, signal));
    const dropped = queue.run(ask, gone.signal);
    gone.abort();
    await expect(dropped).rejects.toThrow();
    await Promise.all(asked);
    expect(most).toBe(2);
    await expect(queue.run(ask, signal)).resolves.toBe(2);
  });
});
