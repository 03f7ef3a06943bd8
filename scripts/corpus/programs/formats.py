# ruff: noqa: D103, E501 - each program says in its decorator what it prints
"""Frameworks that need more than this machine has: their own format strings, filled by a program of our own."""

import datetime
import json
import time

from shape import Catalogue, Metric, curve, rise, tell

N = r"([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)"
shapes = Catalogue("a program of our own with the framework's format")


@shapes(
    Metric("lm loss", r"lm loss: ([0-9.]+E[+-][0-9]+)", "train:lm-loss"),
    Metric("grad norm", r"grad norm: ([0-9.]+)", "train:grad-norm"),
    wanted={"learning rate": r"learning rate: ([0-9.E+-]+)", "loss scale": r"loss scale: ([0-9.]+)"},
    about="Megatron-LM's training log, with validation lines between rulers",
    step=r"iteration +(\d+)",
    junk=[
        "consumed samples",
        "elapsed time per iteration (ms)",
        "global batch size",
        "number of skipped iterations",
        "number of nan iterations",
    ],
    either=["throughput per GPU (TFLOP/s/GPU)", "lm loss value", "lm loss PPL"],
)
def megatron():
    for step in range(10, 130, 10):
        loss = curve(step / 10, 10.8, 5)
        tell("train:lm-loss", loss)
        tell("train:grad-norm", 20 / step)
        print(
            f" [2025-11-20 10:00:{step % 60:02d}] iteration {step:8d}/     500 | consumed samples: {step * 256:12d} |"
            f" elapsed time per iteration (ms): {1254.3 + step:.1f} | throughput per GPU (TFLOP/s/GPU): {151.2:.1f} |"
            f" learning rate: {1.5e-4 * step / 500:.6E} | global batch size: {256:5d} | lm loss: {loss:.6E} |"
            f" loss scale: {1.0:.1f} | grad norm: {20 / step:.3f} | number of skipped iterations: {0:3d} |"
            f" number of nan iterations: {0:3d} |"
        )
    text = (
        f" validation loss at iteration 120 | lm loss value: {loss:.6E} | lm loss PPL: {2.718281828**loss:.6E} |"
    )
    print("-" * len(text) + "\n" + text + "\n" + "-" * len(text))


@shapes(
    Metric("loss", r"loss: ([0-9.]+) ", "train:loss"),
    wanted={"lr": r"lr=\[([0-9.e-]+)"},
    about="DeepSpeed: rank lines with [INFO] [logging.py:96:log_dist], overflow lines, CurrSamplesPerSec",
    step=r"step=(\d+)",
    junk=[
        "skipped",
        "MemAllocated",
        "MaxMemAllocated",
        "micro_step",
        "Rank",
        "bucket size",
    ],
    either=["RunningAvgSamplesPerSec", "CurrSamplesPerSec", "loss scale", "samples/sec", "iter time (s)", "mom"],
)
def deepspeed():
    stamp = "[2025-11-20 10:00:00,123] [INFO]"
    print(f"{stamp} [stage_1_and_2.py:149:__init__] Reduce bucket size 500000000")
    print(f"{stamp} [config.py:1003:print]   train_micro_batch_size_per_gpu  4")
    for step in range(10, 70, 10):
        tell("train:loss", curve(step / 10))
        print(
            f"{stamp} [logging.py:96:log_dist] [Rank 0] step={step}, skipped=0, lr=[{3e-5 / step:.4e}, {3e-5 / step:.4e}], mom=[(0.9, 0.999), (0.9, 0.999)]"
        )
        print(
            f"steps: {step} loss: {curve(step / 10):.4f} iter time (s): {0.412:.3f} samples/sec: {77.6 + step:.3f}"
        )
        print(
            f"{stamp} [timer.py:260:stop] epoch=0/micro_step={step}/global_step={step}, RunningAvgSamplesPerSec={80.1:.4f},"
            f" CurrSamplesPerSec={81.2 + step / 100:.4f}, MemAllocated=2.31GB, MaxMemAllocated=4.5GB"
        )
        if step == 30:
            print("[deepspeed] OVERFLOW! Rank 0 Skipping step. Attempted loss scale: 65536, reducing to 32768")


@shapes(
    Metric("total_loss", rf"total_loss: {N}", "train:total_loss"),
    Metric("loss_cls", rf"loss_cls: {N}", "train:loss_cls"),
    wanted={
        "loss_box_reg": rf"loss_box_reg: {N}",
        "loss_rpn_cls": rf"loss_rpn_cls: {N}",
        "loss_rpn_loc": rf"loss_rpn_loc: {N}",
        "lr": rf" lr: {N}",
    },
    about="detectron2: two blanks between fields, COCO results at the end",
    step=r"iter: (\d+)",
    junk=["eta", "time", "data_time", "last_time", "last_data_time", "max_mem"],
    columns={
        "AP75": r"^\| [0-9.]+ \| [0-9.]+ \| ([0-9.]+)",
        "AP": r"^\|? ?(\d+\.\d+) \|",
        "AP50": r"^\| [0-9.]+ \| ([0-9.]+)",
    },
    either=["APs", "APm", "APl", "Average Precision  (AP)", "Average Recall     (AR)", "copypaste"],
)
def detectron2():
    for step in range(19, 219, 20):
        loss = curve(step / 20)
        tell("train:total_loss", loss)
        tell("train:loss_cls", loss / 2)
        print(
            f"[11/20 10:00:{step % 60:02d} d2.utils.events]:  eta: 0:12:0{step % 10}  iter: {step}  total_loss: {loss:.4g}"
            f"  loss_cls: {loss / 2:.4g}  loss_box_reg: {loss / 4:.4g}  loss_rpn_cls: {loss / 8:.4g}"
            f"  loss_rpn_loc: {loss / 16:.4g}    time: {0.2513:.4f}  last_time: {0.2411:.4f}  data_time: {0.0123:.4f}"
            f"  last_data_time: {0.0031:.4f}   lr: {0.00025 * step / 200:.5g}  max_mem: 2710M"
        )
    print(" Average Precision  (AP) @[ IoU=0.50:0.95 | area=   all | maxDets=100 ] = 0.412")
    print("[11/20 10:05:00 d2.evaluation.coco_evaluation]: Evaluation results for bbox: ")
    print(
        "|   AP   |  AP50  |  AP75  |  APs   |  APm   |  APl   |\n|:------:|:------:|:------:|:------:|:------:|:------:|"
    )
    print("| 41.213 | 62.014 | 45.125 | 24.100 | 45.001 | 53.120 |")
    print("[11/20 10:05:00 d2.evaluation.testing]: copypaste: 41.2130,62.0140,45.1250,24.1000,45.0010,53.1200")


@shapes(
    Metric("loss", r'"loss": "([0-9.]+)"', "train:loss"),
    Metric("valid_loss", r'"valid_loss": "([0-9.]+)"', "validation:loss"),
    Metric("train_loss", r'"train_loss": "([0-9.]+)"', "epoch:loss"),
    wanted={
        "ppl": r'"ppl": "([0-9.]+)"',
        "gnorm": r'"gnorm": "([0-9.]+)"',
        "lr": r'"lr": "([0-9.e-]+)"',
        "valid_ppl": r'"valid_ppl": "([0-9.]+)"',
        "nll_loss": r'"nll_loss": "([0-9.]+)"',
    },
    about="fairseq --log-format json: numbers as texts, behind stamps and pipes",
    junk=["wall", "epoch", "update", "num_updates", "train_wall", "clip"],
    either=["bsz", "wps", "ups", "wpb"],
)
def fairseq_json():
    for update in range(100, 700, 100):
        loss = curve(update / 100, 12, 4)
        tell("train:loss", round(loss, 3))
        row = {
            "epoch": 1,
            "update": f"{update / 700:.3f}",
            "loss": f"{loss:.3f}",
            "nll_loss": f"{loss - 1:.3f}",
            "ppl": f"{2 ** (loss - 1):.2f}",
            "wps": "31512.1",
            "ups": "2.1",
            "wpb": "3584",
            "bsz": "144",
            "num_updates": str(update),
            "lr": f"{update * 1.25e-7:.6g}",
            "gnorm": f"{3 / update * 100:.3f}",
            "clip": "0",
            "train_wall": "47",
            "wall": str(60 + update),
        }
        print(f"2025-11-20 10:00:00 | INFO | train_inner | {json.dumps(row)}")
    tell("validation:loss", 6.123)
    tell("epoch:loss", 7.1)
    print(
        '2025-11-20 10:09:00 | INFO | valid | {"epoch": 1, "valid_loss": "6.123", "valid_ppl": "41.02", "valid_num_updates": "700"}'
    )
    print('2025-11-20 10:09:00 | INFO | train | {"epoch": 1, "train_loss": "7.1", "train_wall": "312"}')


@shapes(
    Metric("loss", r"\| loss ([0-9.]+) \|", "train:loss"),
    wanted={
        "ppl": r"\| ppl ([0-9.]+)",
        "gnorm": r"\| gnorm ([0-9.]+)",
        "lr": r"\| lr ([0-9.e-]+)",
        "nll_loss": r"nll_loss ([0-9.]+)",
    },
    about="fairseq --log-format simple: names and values between pipes without a sign",
    junk=["wall", "train_wall", "num_updates"],
    either=["bsz", "wpb", "wps", "ups"],
    step=r"epoch (\d+)",
)
def fairseq_simple():
    for epoch in range(1, 8):
        loss = curve(epoch, 12, 4)
        tell("train:loss", loss)
        print(
            f"2025-11-20 10:0{epoch}:00 | INFO | train | epoch {epoch:03d} | loss {loss:.3f} | nll_loss {loss - 1:.3f} |"
            f" ppl {2 ** (loss - 1):.2f} | wps 31512.1 | ups 2.1 | wpb 3584.2 | bsz 144.1 | num_updates {epoch * 500} |"
            f" lr {epoch * 1.25e-5:.6g} | gnorm {3 / epoch:.3f} | train_wall 47 | wall {60 * epoch}"
        )


@shapes(
    Metric("loss", rf"  loss: {N} ", "train:loss"),
    Metric("coco/bbox_mAP", rf"coco/bbox_mAP: {N}", "validation:mAP"),
    wanted={
        "coco/bbox_mAP_50": rf"coco/bbox_mAP_50: {N}",
        "lr": rf"  lr: {N} ",
        "loss_cls": rf"loss_cls: {N}",
        "loss_bbox": rf"loss_bbox: {N}",
        "acc": rf"acc: {N}",
        "grad_norm": rf"grad_norm: {N}",
    },
    about="mmdetection through mmengine: Epoch(train) [1][50/500] with two blanks between fields",
    junk=["eta", "time", "data_time", "memory"],
)
def mmdetection():
    for epoch in range(1, 4):
        for batch in range(50, 250, 50):
            loss = curve(epoch * 4 + batch / 50)
            tell("train:loss", loss)
            print(
                f"11/20 10:00:00 - mmengine - INFO - Epoch(train)  [{epoch}][{batch:>4}/ 200]  lr: {2e-2 / epoch:.4e}"
                f"  eta: 0:10:1{epoch}  time: {0.2212:.4f}  data_time: 0.0041  memory: 3412  grad_norm: {4 / epoch:.4f}"
                f"  loss: {loss:.4f}  loss_cls: {loss / 2:.4f}  acc: {100 * rise(epoch):.4f}  loss_bbox: {loss / 3:.4f}"
            )
        tell("validation:mAP", round(rise(epoch) / 2, 4))
        print(
            f"11/20 10:05:00 - mmengine - INFO - Epoch(val) [{epoch}][50/50]    coco/bbox_mAP: {rise(epoch) / 2:.4f}"
            f"  coco/bbox_mAP_50: {rise(epoch) / 1.5:.4f}  data_time: 0.0021  time: 0.0412"
        )


@shapes(
    Metric("loss", r"Loss: +([0-9.]+) \(", "train:loss"),
    Metric("Acc@1", r"Acc@1: +([0-9.]+) \(", "validation:acc1"),
    wanted={"LR": r"LR: ([0-9.e-]+)", "Acc@5": r"Acc@5: +([0-9.]+) \("},
    about="timm's train.py: values with their averages in brackets, the best of the run",
    step="",
    junk=["Time", "Data", "s,"],
    either=["*** Best metric"],
)
def timm():
    for epoch in range(3):
        for batch in range(0, 100, 25):
            loss = curve(epoch * 4 + batch / 25, 6.9, 1)
            tell("train:loss", loss)
            print(
                f"Train: {epoch} [{batch:>4d}/100 ({batch:>3.0f}%)]  Loss: {loss:>9.6f} ({loss + 0.1:>6.4f})  "
                f"Time: {0.412:.3f}s, {310.2:>7.2f}/s  ({0.422:.3f}s, {303.4:>7.2f}/s)  "
                f"LR: {1e-3 / (epoch + 1):.3e}  Data: {0.012:.3f} ({0.021:.3f})"
            )
        tell("train:loss", loss + 0.05)
        tell("validation:acc1", 100 * rise(epoch))
        print(
            f"Test: [  24/24]  Time: 0.101 (0.121)  Loss: {loss + 0.05:>7.4f} ({loss + 0.06:>6.4f})  "
            f"Acc@1: {100 * rise(epoch):>7.4f} ({100 * rise(epoch):>7.4f})  Acc@5: {100 * rise(epoch, 0.99):>7.4f} ({99:>7.4f})"
        )
    print(f"*** Best metric: {100 * rise(2):.3f} (epoch 2)")


@shapes(
    Metric("loss", rf"loss: {N} \(", "train:loss"),
    Metric("acc1", rf"acc1: {N} \(", "train:acc1"),
    wanted={
        "lr": rf"lr: {N}",
        "img/s": r"img/s: ([0-9.]+)",
        "Acc@1": r"Acc@1 ([0-9.]+)",
        "Acc@5": r"Acc@5 ([0-9.]+)",
    },
    about="torchvision's references: MetricLogger with median (average), two blanks between fields",
    junk=["eta", "time", "data", "max mem", "Total time"],
)
def torchvision_references():
    for epoch in range(2):
        for batch in range(0, 40, 10):
            loss = curve(epoch * 4 + batch / 10)
            tell("train:loss", loss)
            tell("train:acc1", 100 * rise(epoch * 4 + batch / 10))
            print(
                f"Epoch: [{epoch}]  [{batch:>3}/40]  eta: 0:00:1{batch // 10}  lr: {0.1 / (epoch + 1)}  img/s: {312.1 + batch}"
                f"  loss: {loss:.4f} ({loss + 0.1:.4f})  acc1: {100 * rise(epoch * 4 + batch / 10):.4f} ({50:.4f})"
                f"  time: {0.12:.4f}  data: {0.01:.4f}  max mem: 512"
            )
        print(f"Epoch: [{epoch}] Total time: 0:00:05")
        print(f"Test:  Acc@1 {100 * rise(epoch):.3f} Acc@5 {100 * rise(epoch, 0.99):.3f}")


@shapes(
    Metric("loss/train/total", r"loss/train/total: ([0-9.]+)", "train:loss"),
    wanted={"metrics/train/LanguageCrossEntropy": r"metrics/train/LanguageCrossEntropy: ([0-9.]+)"},
    about="MosaicML's Composer: a block of fields with tabs for each batch",
    step=r"batch=(\d+)/",
    junk=["time/batch", "time/sample", "memory/current_allocated_mem", "trainer/device_train_microbatch_size"],
    either=["throughput/tokens_per_sec"],
)
def composer():
    for batch in range(1, 7):
        tell("train:loss", curve(batch))
        print(f"[batch={batch}/4800]:")
        print(f"\t Train time/batch: {batch - 1}\n\t Train time/sample: {(batch - 1) * 512}")
        print("\t Train memory/current_allocated_mem: 14.612\n\t Train trainer/device_train_microbatch_size: 16")
        print(f"\t Train loss/train/total: {curve(batch):.4f}")
        print(f"\t Train metrics/train/LanguageCrossEntropy: {curve(batch) + 0.01:.4f}")
        print(f"\t Train throughput/tokens_per_sec: {21512.4 + batch:.4f}")


@shapes(
    Metric("loss", r"loss: +([0-9.]+)", "train:loss"),
    Metric("grad_norm", r"grad_norm: +([0-9.]+)", "train:grad-norm"),
    wanted={"mfu": r"mfu: ([0-9.]+)%", "tps": r"tps: ([0-9,]+)"},
    about="torchtitan: colours around every field, memory with its share in brackets",
    step=r"step: +(\d+)",
    through="pty",
    junk=["memory"],
    either=["tflops"],
)
def torchtitan():
    for step in range(1, 11):
        tell("train:loss", curve(step, 12, 5))
        tell("train:grad-norm", 4 / step)
        print(
            f"[titan] 2025-11-20 10:00:{step:02d},123 - root - INFO - \x1b[31mstep: {step:2}  \x1b[32mloss: {curve(step, 12, 5):8.5f}"
            f"  \x1b[38;2;180;60;0mgrad_norm: {4 / step:7.4f}  \x1b[38;2;54;234;195mmemory: {31.2:5.2f}GiB(39.45%)"
            f"  \x1b[34mtps: {7012 + step:,}  \x1b[36mtflops: {151.2:,.2f}  \x1b[35mmfu: {38.4:.2f}%\x1b[39m"
        )


@shapes(
    Metric("loss", r"\bloss=([0-9.]+)", "train:loss"),
    about="torchtune: '1|20|Loss: 1.5' in a bar",
    through="pty",
    either=["tokens_per_second_per_gpu"],
    wanted={"lr": r" lr=([0-9.e-]+)", "Loss": r"\|Loss: ([0-9.]+)"},
)
def torchtune():
    for step in range(1, 13):
        print(
            f"\r1|{step}|Loss: {curve(step):.12f}:  {step * 8}%|██        | {step}/12 [00:0{step % 10}<00:10,  1.02s/it]",
            end="",
        )
    print()
    for step in range(1, 6):
        tell("train:loss", curve(step))
        print(f"Step {step} | loss={curve(step):.6f} lr=2e-05 tokens_per_second_per_gpu=1512.3")


@shapes(
    Metric("reward", rf"reward: {N}", "episode:reward"),
    about="RLlib's and tensorforce's kind of line: negative values and ± deviations",
    wanted={"policy_loss": rf"policy_loss: {N}", "kl": rf"kl: {N}"},
    either=["fps"],
    step=r"^iter +(\d+)",
)
def reinforcement():
    for step in range(1, 11):
        tell("episode:reward", -200 + 15 * step)
        print(
            f"iter {step:3d} | reward: {-200 + 15 * step:.1f} ± {12.5:.1f} | policy_loss: {-0.01 * step:.4f} | kl: {1e-3 / step:.2e} | fps 1,512"
        )


@shapes(
    Metric("WER", r"%WER ([0-9.]+)", "test:wer"),
    Metric("", r"log-probability .* is ([-0-9.]+) over", "train:objf"),
    about="Kaldi: sentences with numbers, %WER 12.3 [ 150 / 1219, 10 ins, 20 del, 120 sub ]",
    junk=["ins", "del", "sub", "frames"],
)
def kaldi():
    for step in range(1, 8):
        tell("train:objf", -curve(step))
        print(
            f"LOG (nnet3-chain-train[5.5.0~1-7a89]:PrintTotalStats():nnet-training.cc:348) Overall average log-probability"
            f" for 'output' is {-curve(step):.6f} over {51200 + step} frames."
        )
    for rate in (12.31, 11.05):
        tell("test:wer", rate)
        print(f"%WER {rate} [ 150 / 1219, 10 ins, 20 del, 120 sub ] exp/chain/decode/wer_7_0.0")


@shapes(
    Metric("Train-rmse", rf"Train-rmse={N}", "train:rmse"),
    about="MXNet's Module and Gluon: INFO:root:Epoch[0] Train-rmse=…, [Epoch 3] train=0.5 val=0.4",
    step=r"Epoch\[(\d+)\]",
    wanted={
        "rmse": rf"\trmse={N}",
        "train": r" train=([0-9.]+)",
        "val": r" val=([0-9.]+)",
        "loss": r" loss=([0-9.]+)",
    },
    junk=["Time cost", "Batch"],
    either=["Speed"],
)
def mxnet():
    for epoch in range(5):
        tell("train:rmse", curve(epoch))
        print(f"INFO:root:Epoch[{epoch}] Batch [50]\tSpeed: 1512.31 samples/sec\trmse={curve(epoch) + 0.1:f}")
        print(f"INFO:root:Epoch[{epoch}] Train-rmse={curve(epoch):f}")
        print(f"INFO:root:Epoch[{epoch}] Time cost={3.512:.3f}")
    for epoch in range(3):
        print(
            f"[Epoch {epoch}] train={rise(epoch):.6f} val={rise(epoch) - 0.01:.6f} loss={curve(epoch):.6f} time: {12.3:.6f}"
        )


@shapes(
    Metric("loss", rf"^INFO:tensorflow:loss = {N}, step", "train:loss"),
    Metric("accuracy", rf"accuracy = {N}", "eval:accuracy"),
    source="a program of our own in TensorFlow's forms",
    about="INFO:tensorflow:loss = 0.5, step = 100 (0.312 sec), global_step/sec and Saving dict for global step",
    wanted={"loss": rf"accuracy.*, loss = {N}"},
    either=["global_step/sec"],
    junk=["global_step", "global step"],
    step=r"\bstep(?: =)? (\d+)",
)
def tensorflow_estimator():
    for step in range(0, 600, 100):
        tell("train:loss", curve(step / 100))
        print(f"INFO:tensorflow:loss = {curve(step / 100):.8g}, step = {step} (0.312 sec)")
        print(f"INFO:tensorflow:global_step/sec: {320.12 + step}")
    tell("eval:accuracy", 0.9123)
    print("INFO:tensorflow:Saving dict for global step 600: accuracy = 0.9123, global_step = 600, loss = 0.3123")


@shapes(
    Metric("cost", r"cost = ([0-9.]+)", "train:cost"),
    source="a program of our own in the form of C programs and old scripts",
    about="printf columns without names but in the first line, sums at the end",
    columns={"cost": r"^ *\d+ +([0-9.]+) "},
)
def printf_table():
    print("  iter       cost      |grad|      step")
    for step in range(10):
        print(f"{step:6d} {curve(step):10.5f} {1 / (step + 1):11.3e} {0.5**step:9.2g}")
    tell("train:cost", curve(9))
    print(f"converged: cost = {curve(9):.5f} after 10 iterations ({datetime.timedelta(seconds=3)})")
    time.sleep(0)


@shapes(
    Metric("", r"^train_loss: \[([0-9., ]+)\]", "first"),
    about="lists of all values so far, printed again and again: the first number is what a definition takes",
    either=["train_loss"],
)
def lists():
    for step in range(1, 7):
        tell("first", curve(0))
        print(f"train_loss: {[round(curve(at), 3) for at in range(step)]}")


@shapes(
    Metric("loss", rf"^loss[: ]+(?P<value>{N[1:-1]})", "train:loss"),
    about="numbers in every dress: signs, bare points, exponents, thousands, fractions of one",
    junk=["version", "date", "time"],
)
def number_forms():
    forms = ["1", "+1.5", "-0.25", ".5", "5.", "1e-3", "1E+03", "2.5e0", "0", "-0.0", "1e-320", "123456789.123"]
    for form in forms:
        tell("train:loss", float(form))
        print(f"loss: {form}")
    print("version: 1.2.3 date: 2025-11-20 time: 10:00:00 ip: 10.0.0.1 ratio: 3/4")
