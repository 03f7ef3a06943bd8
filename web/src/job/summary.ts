import type { LivePoint, MetricSummary } from "../lib/types";

/** What a job's metrics come to with points that are newer than what they sum up. */
export function advanced(metrics: MetricSummary[], points: LivePoint[]): MetricSummary[] {
  if (!points.length) return metrics;
  return metrics.map((metric) => {
    const newer = points.filter((point) => point[0] === metric.name && point[4] > metric.last_time);
    return newer.length ? newer.reduce(withPoint, { ...metric }) : metric;
  });
}

function withPoint(metric: MetricSummary, [, , step, , time, value]: LivePoint): MetricSummary {
  metric.points += 1;
  if (time >= metric.last_time) Object.assign(metric, { final: value, final_step: step, last_time: time });
  if (typeof value === "string") {
    metric.non_finite += 1;
    return metric;
  }
  metric.min = Math.min(metric.min ?? value, value);
  metric.max = Math.max(metric.max ?? value, value);
  const better = metric.direction === "min" ? value < (metric.best ?? Infinity) : value > (metric.best ?? -Infinity);
  if (better) Object.assign(metric, { best: value, best_step: step });
  return metric;
}
