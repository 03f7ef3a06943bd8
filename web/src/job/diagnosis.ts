import { count, plural } from "../lib/format";
import type { Line } from "../charts/plot";
import type { Cause, Diagnosis } from "../lib/types";

/** How many faults a person should look at. */
export const faults = (diagnosis: Diagnosis | null) =>
  diagnosis?.findings.filter((one) => one.kind === "problem").length ?? 0;

/** Since when, and how often. */
export function remarks(one: Cause): string {
  const kind = one.kind === "problem" ? "" : "a remark, ";
  const times = one.times > 1 ? `, ${plural(one.times, "time")}` : "";
  return `${kind}since step ${count(one.began)}, known at step ${count(one.step)}${times}`;
}

/** Its curves as lines to draw; what is not finite is marked. */
export function curves(one: Cause): Line[] {
  return Object.entries(one.series)
    .filter(([, points]) => points.length > 0)
    .map(([label, points], at) => {
      const values = points.map(([, value]) => value);
      return {
        label,
        colour: `--series-${(at % 8) + 1}`,
        x: points.map(([step]) => step),
        min: values,
        max: values,
        mean: values,
        bucketed: false,
        smooth: null,
        marks: points.filter(([, value]) => value === null).map(([x]) => ({ x, value: "not finite" })),
      };
    });
}
