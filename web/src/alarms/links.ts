import type { Known } from "./alarm";

/** The query of the metrics page that draws what an alarm on one metric watches. */
export function metricLink(alarm: Known): string {
  const row = [alarm.Namespace, alarm.MetricName, ...(alarm.Dimensions ?? []).flatMap((one) => [one.Name, one.Value]), { stat: alarm.Statistic ?? alarm.ExtendedStatistic, period: alarm.Period }];
  return `?m=${encodeURIComponent(JSON.stringify(row))}`;
}
