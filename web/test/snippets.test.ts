import { expect, it } from "vitest";
import { boto3, cli, period } from "../src/job/snippets";

const target = {
  job: "digits-demo",
  metrics: ["train:loss", "odd name"],
  region: "eu-west-1",
  endpoint: "http://127.0.0.1:4600",
  start: 1_800_000_000.5,
  end: 1_800_000_050,
};

it("the period fits an answer of 1,440 datapoints", () => {
  for (const seconds of [1, 1440, 1441, 86400, 86400 * 40, 86400 * 400]) expect(seconds / period(seconds)).toBeLessThanOrEqual(1440);
  expect(period(600)).toBe(1);
  expect(period(86400)).toBe(60);
});

it("the code names job, metrics, region and endpoint", () => {
  for (const word of ["digits-demo", '"odd name"', '"eu-west-1"', '"http://127.0.0.1:4600"', "2027-01-15T08:00:00+00:00"])
    expect(boto3(target)).toContain(word);
});

it("the command quotes what a shell would split", () => {
  expect(cli(target)).toContain("--metric-name 'odd name'");
  expect(cli(target).match(/aws cloudwatch/g)).toHaveLength(2);
});
