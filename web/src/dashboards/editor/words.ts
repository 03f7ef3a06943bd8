/** What is chosen from in the forms of widgets. */

export const VIEWS: [string, string][] = [["timeSeries", "Lines"], ["singleValue", "Numbers"], ["gauge", "Gauge"], ["bar", "Bars"], ["pie", "Pie"], ["table", "Table"]];
export const PERIODS: [string, string][] = [["", "5 m, or suiting the time"], ["1", "1 s"], ["10", "10 s"], ["60", "1 m"], ["300", "5 m"], ["900", "15 m"], ["3600", "1 h"], ["86400", "1 d"]];
export const STATISTICS = ["Average", "Sum", "Minimum", "Maximum", "SampleCount", "p50", "p90", "p99", "tm90", "IQM"];
