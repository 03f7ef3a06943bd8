/** An alarm as code that makes it with unmodified AWS clients. */
import { shell } from "../lib/format";
import type { Definition } from "./alarm";

export interface Server {
  region: string;
  endpoint: string;
}

const operationOf = (input: Definition) => (input.AlarmRule === undefined ? "metric" : "composite");

/** A value as Python writes it. */
export function python(value: unknown, indent = ""): string {
  const inner = `${indent}    `;
  if (value === true) return "True";
  if (value === false) return "False";
  if (value === null || value === undefined) return "None";
  if (Array.isArray(value)) return value.length ? `[\n${value.map((one) => `${inner}${python(one, inner)},\n`).join("")}${indent}]` : "[]";
  if (typeof value === "object") {
    const members = Object.entries(value);
    return members.length ? `{\n${members.map(([name, one]) => `${inner}${JSON.stringify(name)}: ${python(one, inner)},\n`).join("")}${indent}}` : "{}";
  }
  return JSON.stringify(value);
}

export function boto3(input: Definition, server: Server): string {
  const members = Object.entries(input).map(([name, value]) => `    ${name}=${python(value, "    ")},\n`);
  return `import boto3

cloudwatch = boto3.client("cloudwatch", region_name=${JSON.stringify(server.region)}, endpoint_url=${JSON.stringify(server.endpoint)})
cloudwatch.put_${operationOf(input)}_alarm(
${members.join("")})
`;
}

export function cli(input: Definition, server: Server): string {
  const words = ["aws", "cloudwatch", `put-${operationOf(input)}-alarm`, "--endpoint-url", server.endpoint, "--region", server.region];
  return `${shell(words)} \\\n  --cli-input-json ${shell([JSON.stringify(input)])}\n`;
}
