/** What decided an alarm's state, out of `StateReasonData`. */
import type { Alarm } from "./alarm";

export interface Point {
  time: number;
  value: number | null;
  samples: number | null;
  low: number | null;
  high: number | null;
  breaches: boolean;
}

export interface Decided {
  banded: boolean;
  threshold: number | null;
  /** The newest first. */
  points: Point[];
  /** Of a composite alarm. */
  triggers: { name: string; state: string }[];
}

interface Data {
  threshold?: number;
  recentLowerThresholds?: (number | null)[];
  recentUpperThresholds?: (number | null)[];
  evaluatedDatapoints?: { timestamp: string; value?: number; sampleCount?: number }[];
  triggeringAlarms?: { arn: string; state: { value: string } }[];
}

const BY: Record<string, (value: number, threshold: number) => boolean> = {
  GreaterThanThreshold: (value, threshold) => value > threshold,
  GreaterThanOrEqualToThreshold: (value, threshold) => value >= threshold,
  LessThanThreshold: (value, threshold) => value < threshold,
  LessThanOrEqualToThreshold: (value, threshold) => value <= threshold,
};

function breaches(comparison: string, value: number, threshold: number | null, low: number | null, high: number | null): boolean {
  if (threshold !== null) return BY[comparison]?.(value, threshold) ?? false;
  const above = high !== null && value > high;
  const below = low !== null && value < low;
  return (above && comparison !== "LessThanLowerThreshold") || (below && comparison !== "GreaterThanUpperThreshold");
}

/** As CloudWatch writes times in there: `2026-02-26T10:13:00.000+0000`. */
const time = (text: string) => Date.parse(text.replace(/([+-]\d\d)(\d\d)$/, "$1:$2")) / 1000;

export function decided(alarm: Pick<Alarm, "StateReasonData" | "ComparisonOperator">): Decided {
  let data: Data = {};
  try {
    data = JSON.parse(alarm.StateReasonData ?? "{}") as Data;
  } catch {
    // Set by hand, to anything.
  }
  const threshold = data.threshold ?? null;
  const [lows, highs] = [data.recentLowerThresholds ?? [], data.recentUpperThresholds ?? []];
  let age = lows.length;
  const points = (data.evaluatedDatapoints ?? []).map((one): Point => {
    const value = one.value ?? null;
    if (value !== null) age -= 1; // those with a value are the recent ones, which come the oldest first
    const [low, high] = value === null ? [null, null] : [lows[age] ?? null, highs[age] ?? null];
    const bad = value !== null && breaches(alarm.ComparisonOperator ?? "", value, threshold, low, high);
    return { time: time(one.timestamp), value, samples: one.sampleCount ?? null, low, high, breaches: bad };
  });
  const triggers = (data.triggeringAlarms ?? []).map((one) => ({ name: one.arn.split(":alarm:").slice(1).join(":alarm:"), state: one.state.value }));
  return { banded: threshold === null && lows.length > 0, threshold, points, triggers };
}
