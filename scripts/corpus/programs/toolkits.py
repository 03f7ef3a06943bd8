# ruff: noqa: D103, E501 - each program says in its decorator what it prints
"""Toolkits of speech, translation, vision and language: their own format strings, filled by a program of our own."""

import json

from shape import Catalogue, Metric, curve, rise, tell

N = r"([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)"
shapes = Catalogue("a program of our own with the toolkit's format")


@shapes(
    Metric("ppl", r"ppl: +([0-9.]+);", "train:ppl"),
    Metric("acc", r"; acc: +([0-9.]+);", "train:accuracy"),
    Metric("Validation accuracy", r"Validation accuracy: ([0-9.]+)", "validation:accuracy"),
    about="OpenNMT: fields between semicolons, Step 50/1000",
    step=r"Step (\d+)/",
    wanted={
        "xent": r"xent: +([0-9.]+);",
        "lr": r"lr: ([0-9.]+);",
        "Validation perplexity": r"Validation perplexity: ([0-9.]+)",
    },
    junk=["sents", "sec"],
    either=["bsz", "tok/s"],
)
def opennmt():
    for step in range(50, 350, 50):
        tell("train:ppl", 2.718281828 ** curve(step / 50, 9, 3))
        tell("train:accuracy", 100 * rise(step / 50))
        print(
            f"[2025-11-20 10:00:00,123 INFO] Step {step}/ 1000; acc: {100 * rise(step / 50):5.1f};"
            f" ppl: {2.718281828 ** curve(step / 50, 9, 3):7.1f}; xent: {curve(step / 50, 9, 3):4.1f}; lr: {step * 1e-7:.5f};"
            f" sents: {step * 64:7d}; bsz: 3812/3901/64; 21512/22001 tok/s; {step:6.0f} sec;"
        )
        if step % 150 == 0:
            tell("validation:accuracy", 95 * rise(step / 50))
            print(f"[2025-11-20 10:00:00,123 INFO] Validation perplexity: {30.5 - step / 100}")
            print(f"[2025-11-20 10:00:00,123 INFO] Validation accuracy: {95 * rise(step / 50)}")


@shapes(
    Metric("loss", rf", loss={N},", "train:loss"),
    Metric("loss_ctc", rf"loss_ctc={N},", "train:ctc"),
    Metric("acc", rf" acc={N},", "train:accuracy"),
    about="ESPnet: '1epoch:train:1-20batch: iter_time=1.2e-04, …, loss=60.1'",
    wanted={
        "loss_att": rf"loss_att={N},",
        "cer_ctc": rf"cer_ctc={N},",
        "optim0_lr0": rf"optim0_lr0={N},",
        "grad_norm": rf"grad_norm={N},",
    },
    junk=["iter_time", "forward_time", "backward_time", "optim_step_time", "train_time"],
)
def espnet():
    for epoch in (1, 2):
        for batch in range(0, 80, 20):
            loss = curve(epoch * 4 + batch / 20, 90, 20)
            tell("train:loss", loss)
            tell("train:ctc", loss / 2)
            tell("train:accuracy", rise(epoch * 4 + batch / 20))
            print(
                f"[algo-1] 2025-11-20 10:00:00,123 (trainer:737) INFO: {epoch}epoch:train:{batch + 1}-{batch + 20}batch:"
                f" iter_time=1.231e-04, forward_time=0.121, loss_ctc={loss / 2:.3f}, loss_att={loss * 1.1:.3f},"
                f" acc={rise(epoch * 4 + batch / 20):.3f}, cer_ctc={loss / 100:.3f}, loss={loss:.3f}, backward_time=0.312,"
                f" grad_norm={loss / 3:.3f}, optim_step_time=0.041, optim0_lr0={epoch * 1e-5:.3e}, train_time=1.021"
            )


@shapes(
    Metric("train loss", rf"train loss: {N}", "train:loss"),
    Metric("valid loss", rf"valid loss: {N}", "validation:loss"),
    Metric("valid WER", rf"valid WER: {N}", "validation:wer"),
    about="SpeechBrain: 'epoch: 1, lr: 1.00e-03 - train loss: 2.31 - valid loss: 1.9, valid WER: 45.10'",
    step=r"epoch: (\d+)",
    wanted={"lr": rf"lr: {N}"},
)
def speechbrain():
    for epoch in range(1, 9):
        tell("train:loss", curve(epoch))
        tell("validation:loss", curve(epoch) + 0.2)
        tell("validation:wer", 100 - 90 * rise(epoch))
        print(
            f"epoch: {epoch}, lr: {1e-3 / epoch:.2e} - train loss: {curve(epoch):.2e} - valid loss: {curve(epoch) + 0.2:.2e},"
            f" valid WER: {100 - 90 * rise(epoch):.2f}"
        )


@shapes(
    Metric("loss", rf", loss: {N}", "train:loss"),
    Metric("hmean", rf"metric, hmean: {N}", "validation:hmean"),
    about="PaddleOCR: costs in seconds, ips with its unit, ETA in days",
    step=r"global_step: (\d+)",
    wanted={"acc": rf", acc: {N}", "lr": rf"lr: {N}"},
    junk=["avg_reader_cost", "avg_batch_cost", "avg_samples", "eta"],
    either=["ips", "fps", "norm_edit_dis", "best_epoch"],
)
def paddle():
    for step in range(10, 110, 10):
        tell("train:loss", curve(step / 10, 60, 3))
        print(
            f"[2025/11/20 10:00:{step % 60:02d}] ppocr INFO: epoch: [1/500], global_step: {step}, lr: {step * 1e-6:.6f},"
            f" acc: {rise(step / 10):.6f}, norm_edit_dis: {rise(step / 12):.6f}, loss: {curve(step / 10, 60, 3):.6f},"
            f" avg_reader_cost: 0.21231 s, avg_batch_cost: 0.51212 s, avg_samples: 64.0, ips: {124.97 + step:.5f} samples/s,"
            f" eta: 1 day, 2:03:04, max_mem_reserved: 2713 MB"
        )
    tell("validation:hmean", 0.8123)
    print(
        "[2025/11/20 10:09:00] ppocr INFO: best metric, hmean: 0.8123, is_float16: False, fps: 41.5, best_epoch: 12"
    )


@shapes(
    Metric("loss", rf"iters\), loss = {N}", "train:loss"),
    Metric("accuracy", rf"Test net output #\d+: accuracy = {N}", "test:accuracy"),
    Metric("lr", r"lr = ([0-9.e-]+)", "train:lr"),
    about="Caffe: glog, Iteration 100 (5 iter/s, 19s/100 iters), outputs of nets with weights in brackets",
    step=r"Iteration (\d+)",
    wanted={"loss": rf"net output #\d+: loss = {N}"},
    junk=["#0", "#1"],
)
def caffe():
    head = "I1120 10:00:00.123456 12345 solver.cpp"
    for step in range(0, 600, 100):
        loss = curve(step / 100)
        tell("train:loss", loss)
        tell("train:lr", 0.01 / (1 + step / 100))
        print(f"{head}:239] Iteration {step} (51.2 iter/s, 1.95s/100 iters), loss = {loss:.6g}")
        print(f"{head}:258]     Train net output #0: loss = {loss:.6g} (* 1 = {loss:.6g} loss)")
        print(f"{head[:-10]}sgd_solver.cpp:112] Iteration {step}, lr = {0.01 / (1 + step / 100):.6g}")
        if step % 200 == 0:
            tell("test:accuracy", rise(step / 100))
            print(f"{head}:347] Iteration {step}, Testing net (#0)")
            print(f"{head}:414]     Test net output #0: accuracy = {rise(step / 100):.6g}")
            print(f"{head}:414]     Test net output #1: loss = {loss + 0.1:.6g} (* 1 = {loss + 0.1:.6g} loss)")


@shapes(
    Metric("Cost", r"Cost ([0-9.]+) ", "train:cost"),
    Metric("cross-entropy", r"cross-entropy : ([0-9.]+)", "validation:cross-entropy"),
    Metric("bleu-detok", r"bleu-detok : ([0-9.]+)", "validation:bleu"),
    about="Marian: 'Ep. 1 : Up. 1000 : Sen. 64,000 : Cost 7.12 * 2,512 : Time 30.1s'",
    junk=["Sen", "Time", "Up", "Ep"],
    either=["words/s", "L.r."],
)
def marian():
    for update in range(500, 3500, 500):
        tell("train:cost", curve(update / 500, 9, 3))
        print(
            f"[2025-11-20 10:00:00] Ep. 1 : Up. {update} : Sen. {update * 64:,} : Cost {curve(update / 500, 9, 3):.8f} * {update * 31:,}"
            f" @ 3,012 after {update * 1500:,} : Time 30.12s : 50213.41 words/s : gNorm 0.4123 : L.r. {update * 1e-7:.4e}"
        )
        if update % 1000 == 0:
            tell("validation:cross-entropy", 100 / update * 1000)
            tell("validation:bleu", update / 100)
            print(
                f"[2025-11-20 10:01:00] [valid] Ep. 1 : Up. {update} : cross-entropy : {100 / update * 1000:.4f} : new best"
            )
            print(
                f"[2025-11-20 10:01:00] [valid] Ep. 1 : Up. {update} : bleu-detok : {update / 100:.4f} : new best"
            )


@shapes(
    Metric("loss", rf"loss: {N} \|\|", "train:loss"),
    Metric("best_validation_accuracy", rf'"best_validation_accuracy": {N}', "best:accuracy"),
    about="AllenNLP: 'accuracy: 0.5, loss: 0.7 ||: 50%|###' bars, a table at each epoch's end, JSON at the run's",
    wanted={
        "accuracy": rf"^\raccuracy: {N},|^accuracy: {N},",
        "best_validation_loss": rf'"best_validation_loss": {N}',
        "training_loss": rf'"training_loss": {N}',
    },
    junk=["best_epoch", "epoch", "peak_worker_0_memory_MB", "training_duration"],
)
def allennlp():
    for at in range(1, 9):
        tell("train:loss", curve(at))
        bar = "#" * at + " " * (8 - at)
        print(
            f"\raccuracy: {rise(at):.4f}, loss: {curve(at):.4f} ||: {at * 100 // 8:3d}%|{bar}| {at}/8 [00:0{at}<00:02,  3.1it/s]",
            end="",
        )
    print(
        "\n2025-11-20 10:00:00,123 - INFO - allennlp.training.tensorboard_writer -                    Training |  Validation"
    )
    tell("best:accuracy", 0.91)
    report = {
        "best_epoch": 3,
        "peak_worker_0_memory_MB": 2512.1,
        "training_duration": "0:01:12",
        "training_loss": 0.31,
    }
    print(
        "2025-11-20 10:00:00,123 - INFO - allennlp.common.util - Metrics: "
        + json.dumps({**report, "best_validation_accuracy": 0.91, "best_validation_loss": 0.41}, indent=2)
    )


@shapes(
    Metric("loss", r" loss=([0-9.]+)", "train:loss"),
    about="llama.cpp's training examples: iter=     1 sample=9/100 sched=0.01 loss=10.37",
    step=r"iter= +(\d+)",
    junk=["sample", "dt", "eta", "n_tensors", "n_ctx"],
    either=["sched"],
)
def llama_cpp():
    print("main: seed: 42\nmain: n_tensors = 201, n_ctx = 64, model size 12.5 MB")
    for step in range(1, 11):
        tell("train:loss", curve(step, 10.4, 6))
        print(
            f"train_opt_callback: iter={step:6d} sample={step * 8 + 1}/100 sched={step / 100:.6f} loss={curve(step, 10.4, 6):.6f}"
            f" dt=00:00:0{step % 10} eta=00:0{10 - step}:00 |{'-' * step}>"
        )


@shapes(
    Metric("", r"^ *\d+: [0-9.]+, ([0-9.]+) avg loss", "train:avg-loss"),
    Metric("mAP@0.50", r"mAP@0\.50\) = ([0-9.]+)", "validation:mAP"),
    about="Darknet: numbers before their names, region lines with nan and -nan",
    junk=["Region 82", "IOU", "rate", "seconds", "images", "count", "conf_thresh", "hours left"],
    either=["Avg IOU", "Class", "Obj", "No Obj", ".5R", ".75R", "avg loss", "precision", "recall", "F1-score"],
)
def darknet():
    for step in range(1, 9):
        loss = curve(step, 900, 2)
        print(
            f"Region 82 Avg IOU: {rise(step):.6f}, Class: 0.512310, Obj: 0.512310, No Obj: 0.478121, .5R: 0.5, .75R: 0.0,  count: {step}"
        )
        print(
            "Region 94 Avg IOU: -nan, Class: -nan, Obj: -nan, No Obj: 0.478121, .5R: -nan, .75R: -nan,  count: 0"
        )
        tell("train:avg-loss", loss + 1)
        print(
            f" {step}: {loss:.6f}, {loss + 1:.6f} avg loss, 0.000000 rate, 3.120000 seconds, {step * 64} images, 12.1 hours left"
        )
    print(" for conf_thresh = 0.25, precision = 0.81, recall = 0.72, F1-score = 0.76 ")
    tell("validation:mAP", 0.7812)
    print(" mean average precision (mAP@0.50) = 0.7812, or 78.12 % ")


@shapes(
    Metric("Training Loss", r"^\| +(?P<step>\d+) \| +([0-9.]+) \|", "train:loss", column=True),
    columns={"Validation Loss": r"^\| +\d+ \| +[0-9.]+ \| +([0-9.]+)"},
    about="Markdown tables as notebooks and model cards print them",
    step=r"^\| +(\d+) \|",
    junk=["Step"],
)
def markdown_table():
    print("| Step | Training Loss | Validation Loss |\n|-----:|--------------:|----------------:|")
    for step in range(100, 900, 100):
        tell("train:loss", curve(step / 100))
        print(f"| {step:4d} | {curve(step / 100):13.6f} | {curve(step / 100) + 0.1:15.6f} |")


@shapes(
    Metric("loss", r"^Trial \S+ reported .*\bloss=([0-9.]+)", "trial:loss"),
    Metric("mean_accuracy", r"mean_accuracy=([0-9.]+)", "trial:accuracy"),
    about="Ray Tune: trials reported with values, status tables between",
    columns={"acc": r"RUNNING .* ([0-9.]+) *\|?$"},
    junk=[
        "RUNNING",
        "iter",
        "total time (s)",
        "Memory usage on this node",
        "Resources requested",
        "training_iteration",
    ],
)
def ray_tune():
    print(
        "== Status ==\nMemory usage on this node: 11.2/31.1 GiB\nResources requested: 2.0/8 CPUs, 0/0 GPUs, 0.0/12.5 GiB heap"
    )
    print(
        "+-------------+----------+--------+------+-------+\n| Trial name  | status   |     lr | iter |   acc |\n|-------------+----------+--------+------+-------|"
    )
    for at in range(3):
        print(f"| train_{at}a1b2 | RUNNING  | 0.00{at + 1} |    {at} | {rise(at):.3f} |")
    print("+-------------+----------+--------+------+-------+")
    for at in range(1, 7):
        tell("trial:loss", curve(at))
        tell("trial:accuracy", rise(at))
        print(
            f"Trial train_{at % 3}a1b2 reported training_iteration={at}, loss={curve(at):.5f}, mean_accuracy={rise(at):.5f}."
        )


@shapes(
    Metric("BCER train", r"BCER train=([0-9.]+)%", "train:bcer"),
    Metric("mean rms", r"mean rms=([0-9.]+)%", "train:rms"),
    about="Tesseract: 'At iteration 100/100/100, mean rms=1.2%, delta=3.4%, BCER train=50.1%'",
    wanted={"BWER train": r"BWER train=([0-9.]+)%", "delta": r"delta=([0-9.]+)%"},
    either=["skip ratio", "New best BCER"],
    step=r"iteration (\d+)/",
)
def tesseract():
    for step in range(100, 700, 100):
        tell("train:bcer", curve(step / 100, 90, 10))
        tell("train:rms", curve(step / 100, 5, 1))
        print(
            f"At iteration {step}/{step}/{step + 2}, mean rms={curve(step / 100, 5, 1):.3f}%, delta={curve(step / 100, 30, 5):.3f}%,"
            f" BCER train={curve(step / 100, 90, 10):.3f}%, BWER train={curve(step / 100, 99, 20):.3f}%, skip ratio=0.0%,  New best BCER = {curve(step / 100, 90, 10):.3f} wrote checkpoint."
        )


@shapes(
    Metric("val_loss", r"\"val_loss\": ([0-9.]+)", "validation:loss"),
    source="a program of our own that writes CloudWatch's embedded metric format",
    about="EMF: JSON with the metric's value beside its directives",
    wanted={"val_acc": r"\"val_acc\": ([0-9.]+)"},
    junk=["Timestamp", "StorageResolution"],
)
def embedded_metric_format():
    for at in range(6):
        tell("validation:loss", curve(at))
        names = [
            {"Name": "val_loss", "Unit": "None"},
            {"Name": "val_acc", "Unit": "None", "StorageResolution": 60},
        ]
        directive = {"Namespace": "Training", "Dimensions": [["Host"]], "Metrics": names}
        print(
            json.dumps(
                {
                    "_aws": {"Timestamp": 1763632800123 + at, "CloudWatchMetrics": [directive]},
                    "Host": "algo-1",
                    "val_loss": curve(at),
                    "val_acc": rise(at),
                }
            )
        )
