import { get } from "../lib/api";
import { lastUpTo } from "../lib/sorted";
import type { Line } from "../charts/plot";

/** Shapes of the answers on a job's profile (see docs/insights.md). Times are Unix seconds. */

export interface Distribution {
  count: number;
  mean: number | null;
  min: number | null;
  p50: number | null;
  p90: number | null;
  p99: number | null;
  max: number | null;
}

export interface RuleOutcome {
  rule: string;
  triggered: number;
  violations: number;
  datapoints: number;
  description: string;
  recommendation: string;
}

export interface Finding {
  rule: string;
  kind: string;
  evidence: string;
  cause: string;
  remedy: string;
}

export interface Report {
  job: string;
  complete: boolean;
  verdict: string;
  losses: { name: string; seconds: number; share: number; remedy: string }[];
  goodput: { share: number } | null;
  nodes: { node: string; samples: number; resources: Record<string, Distribution> }[];
  rules: RuleOutcome[];
  findings: Finding[];
}

export interface Columns {
  min: (number | null)[];
  mean: (number | null)[];
  max: (number | null)[];
}

export interface Series {
  nodes: string[];
  node: string;
  cores: number[];
  from: number;
  to: number;
  x: number[];
  units: Record<string, string>;
  series: Record<string, Columns>;
}

/** Steps of one process: `step` is null where each row is a span of time, with the sums of its `steps`. */
export interface Lane {
  node: string;
  rank: number;
  process: number;
  step: number[] | null;
  mode: string[] | null;
  steps: number[];
  start: number[];
  seconds: number[];
  longest: number[];
  parts: number[][];
}

export interface Steps {
  from: number;
  to: number;
  parts: string[];
  lanes: Lane[];
}

export interface Operator {
  name: string;
  calls: number;
  seconds: number;
  share: number;
}

export interface ProfilerWindow {
  node: string;
  rank: number;
  first_step: number;
  last_step: number;
  start: number;
  seconds: number;
  cost: number | null;
  path: string;
}

export interface Operators {
  operators: Operator[];
  kernels: Operator[];
  functions: Operator[];
  other: Operator[];
  windows: ProfilerWindow[];
}

export interface Range {
  from?: number;
  to?: number;
}

const job = (name: string) => `jobs/${encodeURIComponent(name)}`;

export const insights = {
  report: (name: string) => get<Report>(`${job(name)}/report`, { format: "json" }),
  reportUrl: (name: string, download = false) => `/_/api/${job(name)}/report${download ? "?download=1" : ""}`,
  series: (name: string, query: Range & { node: string; core: string[]; width: number }) =>
    get<Series>(`${job(name)}/series`, { ...query }),
  steps: (name: string, query: Range & { width: number }) => get<Steps>(`${job(name)}/steps`, { ...query }),
  operators: (name: string, query: Range) => get<Operators>(`${job(name)}/operators`, { ...query }),
  windowUrl: (name: string, path: string) => `/_/api/${job(name)}/windows/${path.split("/").map(encodeURIComponent).join("/")}`,
};

export const insightsPath = (name: string) => `/_/jobs/${encodeURIComponent(name)}/insights`;

export const RESOURCES: Record<string, string> = {
  cpu: "CPU",
  iowait: "I/O wait",
  memory: "CPU memory",
  gpu: "GPU",
  gpu_memory: "GPU memory",
  network: "Network",
  disk: "Disk",
  power: "GPU power",
};

/** Of a step's parts, the series colour each is drawn in. */
export const PART_COLOURS: Record<string, string> = {
  data_loading: "--series-2",
  forward: "--series-1",
  backward: "--series-7",
  optimizer: "--series-6",
  communication: "--series-4",
  checkpoint: "--series-5",
  evaluation: "--series-3",
  idle: "--series-8",
};

/** A value of a resource in its unit. */
export function quantity(value: number | null, unit: string): string {
  if (value === null) return "–";
  if (unit === "Percent") return `${value.toFixed(1)} %`;
  if (unit === "Watts") return `${value.toFixed(0)} W`;
  const power = Math.min(Math.max(Math.floor(Math.log10(Math.max(value, 1)) / 3), 0), 4);
  return `${(value / 1000 ** power).toPrecision(3)} ${["", "k", "M", "G", "T"][power]}B/s`;
}

/** The series of one chart: the node's mean, and the cores or GPUs beside it. */
export function members(found: Series, resource: string): { label: string; columns: Columns }[] {
  const shown: { label: string; columns: Columns }[] = [];
  const whole = found.series[resource];
  const core = { cpu: "busy", iowait: "iowait" }[resource];
  const gpu = { gpu: "busy", gpu_memory: "memory.percent", power: "power" }[resource];
  const parts = Object.keys(found.series)
    .map((name) => ({ name, match: /^(core|gpu)\.(\d+)\.(.+)$/.exec(name) }))
    .filter(({ match }) => match && ((match[1] === "core" && match[3] === core) || (match[1] === "gpu" && match[3] === gpu)))
    .sort((one, other) => +one.match![2]! - +other.match![2]!);
  if (whole) shown.push({ label: parts.length && resource !== "power" ? "mean" : RESOURCES[resource]!, columns: whole });
  // One GPU is its own mean.
  if (gpu && parts.length < 2) return shown.map((one) => ({ ...one, label: RESOURCES[resource]! }));
  for (const { name, match } of parts) shown.push({ label: `${match![1] === "core" ? "core" : "GPU"} ${match![2]}`, columns: found.series[name]! });
  return shown;
}

export function linesOf(found: Series, resource: string): Line[] {
  return members(found, resource).map(({ label, columns }, index) => ({
    label,
    colour: `--series-${(index % 8) + 1}`,
    x: found.x,
    ...columns,
    bucketed: columns.min.some((low, at) => low !== columns.max[at]),
    smooth: null,
    marks: [],
  }));
}

/** A window that is moved by a share of its length, or made longer or shorter about its middle, within what there is. */
export function moved([from, to]: [number, number], whole: [number, number], by: number, factor = 1): [number, number] {
  const length = Math.min((to - from) * factor, whole[1] - whole[0]);
  const middle = (from + to) / 2 + by * (to - from);
  const low = Math.min(Math.max(middle - length / 2, whole[0]), whole[1] - length);
  return [low, low + length];
}

/** The row of a lane at a time; -1 where there is none. */
export function rowAt(lane: Lane, time: number): number {
  const row = lastUpTo(lane.start, time);
  return row >= 0 && time < lane.start[row]! + lane.seconds[row]! ? row : -1;
}

/** Seconds of each part for one step of a row. */
export const eachStep = (lane: Lane, row: number): number[] => lane.parts[row]!.map((seconds) => seconds / (lane.steps[row] || 1));

/** The greatest time of a step in any of the rows. */
export function tallest(lane: Lane): number {
  let most = 0;
  for (let row = 0; row < lane.parts.length; row++) most = Math.max(most, eachStep(lane, row).reduce((sum, one) => sum + one, 0));
  return most;
}
