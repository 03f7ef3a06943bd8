import { describe, expect, it } from "vitest";
import { settled, withBoxes, within, withoutWidget, withWidget } from "../src/dashboards/dashboard";

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
});

describe("a dashboard's source", () => {
  const source = JSON.stringify({ start: "-PT1H", widgets: [{ type: "text", x: 0, y: 0, width: 6, height: 3, properties: { markdown: "a" } }] });

  it("keeps what it has when boxes change", () => {
    const body = JSON.parse(withBoxes(source, new Map([[0, box(3, 4)]])));
    expect(body).toEqual({ start: "-PT1H", widgets: [{ type: "text", ...box(3, 4), properties: { markdown: "a" } }] });
  });

  it("gets a widget below all others, and loses one", () => {
    const more = withWidget(source, { type: "text", properties: { markdown: "b" } });
    expect(JSON.parse(more).widgets[1]).toMatchObject({ x: 0, y: 3 });
    expect(JSON.parse(withoutWidget(more, 0)).widgets).toHaveLength(1);
  });
});
