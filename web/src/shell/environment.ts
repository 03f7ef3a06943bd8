/** Lines that make the AWS CLI and any AWS SDK talk to this server. */
import { shell } from "../lib/format";

export function environment(endpoint: string, region: string, accessKeyId: string | null): string {
  const values: [string, string][] = [["AWS_ENDPOINT_URL", endpoint], ["AWS_REGION", region], ["AWS_DEFAULT_REGION", region]];
  if (accessKeyId) values.push(["AWS_ACCESS_KEY_ID", accessKeyId]);
  return values.map(([name, value]) => `export ${name}=${shell([value])}`).join("\n");
}
