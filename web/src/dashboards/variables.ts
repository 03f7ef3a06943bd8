/** Values of variables as lines to be typed, and what variables can stand for. */
import { metricOf } from "../lib/metricrow";
import type { GivenWidget, Variable } from "./dashboard";
import { rowsOf } from "./widgets";

type Values = NonNullable<Variable["values"]>;

/** One a line: `value`, or `value = label`. */
export function readValues(text: string): Values | undefined {
  const values = text.split("\n").flatMap((line) => {
    const [value = "", label = ""] = line.split(/\s+=\s+/, 2).map((part) => part.trim());
    return value ? [{ value, ...(label ? { label } : {}) }] : [];
  });
  return values.length ? values : undefined;
}

export const writeValues = (values: Values = []) => values.map(({ value, label }) => (label ? `${value} = ${label}` : value)).join("\n");

/** The dimensions and other properties of widgets that a variable can stand for. */
export function propertiesOf(widgets: GivenWidget[]): string[] {
  const dimensions = widgets
    .filter((one) => one.type === "metric")
    .flatMap((one) => rowsOf(one.properties).flatMap((row) => metricOf(row)?.dimensions.map(([name]) => name) ?? []));
  return [...new Set([...dimensions, "TrainingJobName", "Host", "region", "accountId", "stat", "view"])];
}
