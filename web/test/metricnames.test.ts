import { describe, expect, it } from "vitest";
import { filter, group, parse, telling } from "../src/lib/metricnames";

const names = (...all: string[]) => all.map((name) => ({ name }));
const charts = (...all: string[]) => group(names(...all)).map((one) => one.metrics);

describe("metrics of one quantity share a chart", () => {
  it.each([
    [["train:accuracy", "validation:accuracy"]],
    [["train_loss", "val_loss"]],
    [["train_loss", "eval_loss", "test_loss"]],
    [["train/acc", "val/accuracy"]],
    [["loss", "val_loss"]],
    [["loss", "eval_loss"]],
    [["train-rmse", "validation-rmse"]],
    [["loss_train", "loss_val"]],
    [["train/box_loss", "val/box_loss"]],
  ])("%j", (all) => {
    expect(charts(...all)).toHaveLength(1);
    expect(charts(...all)[0]).toHaveLength(all.length);
  });

  it("puts training before validation before test", () => {
    expect(charts("test_loss", "val_loss", "train_loss")).toEqual([["train_loss", "val_loss", "test_loss"]]);
  });

  it("keeps different quantities apart", () => {
    expect(charts("train:loss", "train:accuracy", "learning_rate")).toEqual([
      ["train:loss"],
      ["train:accuracy"],
      ["learning_rate"],
    ]);
  });

  it("takes a split word only at the ends of a name, and not as the whole of it", () => {
    expect(parse("samples_test_time").split).toBe("other");
    expect(parse("train")).toEqual({ split: "other", quantity: "train" });
  });

  it("loses no metric", () => {
    const all = ["a", "train:a", "::", "", "val", "A"];
    expect(charts(...all).flat().sort()).toEqual([...all].sort());
  });
});

describe("the filter box", () => {
  it("is a regular expression in any case", () => {
    expect(filter(names("train:loss", "val:Acc"), "^val|ACC$")).toEqual(names("val:Acc"));
  });
  it("takes an unfinished expression as text", () => {
    expect(filter(names("a(b", "ab"), "a(")).toEqual(names("a(b"));
  });
});

describe("what is told of a job in little room", () => {
  it("is its losses and accuracies, validation first, then training", () => {
    const all = ["lr", "train:lr", "test:loss", "train:loss", "loss", "val:epochs", "validation:accuracy", "val:loss"];
    const told = ["val:loss", "validation:accuracy", "train:loss", "loss", "test:loss", "val:epochs", "train:lr", "lr"];
    expect(telling(all, (name) => name)).toEqual(told);
    expect(telling(names(...all), ({ name }) => name)).toEqual(names(...told));
  });
});
