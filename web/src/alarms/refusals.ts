/** Which field of the form a refusal of PutMetricAlarm is about. */

/** Members as refusals name them, those that are parts of others' names behind those. */
const MEMBERS: [RegExp, string][] = [
  [/EvaluateLowSampleCountPercentile/i, "lowSamples"],
  [/ActionsSuppressor(Wait|Extension)Period/i, "suppressor"],
  [/ActionsSuppressor|its suppressor/i, "suppressor"],
  [/AlarmRule|alarm rule/i, "rule"],
  [/WarmUp/i, "warmUp"],
  [/PendingPeriod/i, "pending"],
  [/RecoveryPeriod/i, "recovery"],
  [/EvaluationInterval/i, "every"],
  [/PromQL|\bThe Query\b/, "query"],
  [/checked across/, "periods"],
  [/Timezone|WallClockWindow|EvaluationWindow/i, "clock"],
  [/IncludedTagKeys|ExcludedTagKeys|AlarmTagsPropagation/i, "propagation"],
  [/tag/i, "tags"],
  [/alarmName|AlarmName|another type has the name/, "name"],
  [/alarmDescription/i, "description"],
  [/arn syntax|Unsupported action|Invalid region|Actions\b/, "actions"],
  [/ThresholdMetricId|expression|metrics list|Metrics\b/i, "queries"],
  [/ExtendedStatistic|Statistic/i, "statistic"],
  [/DatapointsToAlarm/i, "needed"],
  [/EvaluationPeriods/i, "periods"],
  [/TreatMissingData/i, "missing"],
  [/ComparisonOperator/i, "comparison"],
  [/Threshold/i, "threshold"],
  [/Period\b/i, "period"],
  [/Unit\b/i, "unit"],
  [/MetricName|Namespace|Dimension/i, "metric"],
];

/** The field; empty where the refusal is about none in particular. */
export function fieldOf(message: string): string {
  return MEMBERS.find(([member]) => member.test(message))?.[1] ?? "";
}
