# ruff: noqa: E501 - log lines are as long as they are
"""Logs as common frameworks print them: what is found when nothing is defined, and what presets find."""

from collections.abc import Sequence

import pytest

from epochwatch.extraction.automatic import MOST_NAMES
from epochwatch.extraction.extractor import Extractor
from epochwatch.extraction.pattern import Pattern
from epochwatch.extraction.presets import preset
from epochwatch.model.batch import Definition

Rows = list[tuple[str, float, int]]

SKLEARN = """\
Iteration 1, loss = 2.30891132
Validation score: 0.412345
Iteration 2, loss = 1.92113
Validation score: 0.512345
epoch=1 train_loss=0.9123 train_accuracy=0.71 validation_loss=0.95 validation_accuracy=0.69 lr=0.001
epoch=2 train_loss=0.8123 train_accuracy=0.75 validation_loss=0.85 validation_accuracy=0.72 lr=0.001
"""
XGBOOST = """\
[14:02:11] WARNING: ../src/learner.cc:767: Parameters: { "silent" } are not used.
[0]\ttrain-rmse:0.52104\tvalidation-rmse:0.61001
[1]\ttrain-rmse:0.41104\tvalidation-rmse:0.52001
"""
LIGHTGBM = """\
[LightGBM] [Info] Number of data points in the train set: 4500, number of used features: 30
[LightGBM] [Info] Total Bins 7665
[1]\tvalid_0's l2: 0.5123\tvalid_0's auc: 0.91
[2]\tvalid_0's l2: 0.4123\tvalid_0's auc: 0.92
"""
CATBOOST = """\
0:\tlearn: 0.6900\ttest: 0.6910\tbest: 0.6910 (0)\ttotal: 52.1ms\tremaining: 5.16s
1:\tlearn: 0.6800\ttest: 0.6820\tbest: 0.6820 (1)\ttotal: 54.3ms\tremaining: 2.66s
bestTest = 0.6820
"""
KERAS = (
    "Epoch 1/2\n"
    "\r 1/20 ━━━━ 5s 300ms/step - accuracy: 0.1250 - loss: 2.3400\x08\x08"
    "\r20/20 ━━━━ 1s 12ms/step - accuracy: 0.5000 - loss: 1.5000 - val_accuracy: 0.6000 - val_loss: 1.2000\n"
    "Epoch 2/2\n"
    "\r20/20 ━━━━ 1s 12ms/step - accuracy: 0.7000 - loss: 0.9000 - val_accuracy: 0.7500 - val_loss: 0.8000\n"
)
LIGHTNING = (
    "Epoch 0:  50%|█████     | 50/100 [00:01<00:01, 35.21it/s, v_num=3, train_loss=0.530]\r"
    "Epoch 0: 100%|██████████| 100/100 [00:02<00:00, 35.21it/s, v_num=3, train_loss=0.430, val_loss=0.510]\n"
    "Epoch 1: 100%|██████████| 100/100 [00:02<00:00, 36.21it/s, v_num=3, train_loss=0.330, val_loss=0.410]\n"
    "│        test_acc           │    0.9312000274658203     │\n"
)
HUGGINGFACE = """\
  4%|▍         | 20/500 [00:03<01:20,  5.96it/s]
{'loss': 0.6931, 'grad_norm': 4.25, 'learning_rate': 4.8e-05, 'epoch': 0.04}
{'loss': '0.6131', 'grad_norm': '3.25', 'learning_rate': '4.6e-05', 'epoch': '0.08'}
{'eval_loss': 0.5012, 'eval_accuracy': 0.81, 'eval_runtime': 2.31, 'eval_samples_per_second': 433.1, 'epoch': 1.0}
"""
MXNET = """\
INFO:root:Epoch[0] Batch [20]\tSpeed: 1521.22 samples/sec\taccuracy=0.612345
INFO:root:Epoch[0] Train-accuracy=0.712345
INFO:root:Epoch[0] Time cost=12.312
INFO:root:Epoch[0] Validation-accuracy=0.702345
"""
SAGEMAKER = """\
[11/20/2025 10:00:00 INFO 140233] #quality_metric: host=algo-1, epoch=0, train loss <loss>=13.27
[11/20/2025 10:00:01 INFO 140233] #progress_metric: host=algo-1, completed 10 %
[11/20/2025 10:00:02 INFO 140233] #quality_metric: host=algo-1, epoch=1, train loss <loss>=11.5
[11/20/2025 10:00:02 INFO 140233] #throughput_metric: host=algo-1, train throughput=5320.1 records/second
#metrics {"StartTime": 1763632800.1, "Metrics": {"train_loss": {"sum": 1.5, "count": 1, "min": 1.5, "max": 1.5}}}
"""
PYTORCH = """\
Train Epoch: 1 [0/60000 (0%)]\tLoss: 2.299825
Train Epoch: 1 [640/60000 (1%)]\tLoss: 1.735624

Test set: Average loss: 0.0512, Accuracy: 9821/10000 (98%)

Epoch: [0][  10/5005]\tTime  0.512 ( 0.612)\tData  0.001 ( 0.101)\tLoss 6.9412e+00 (6.9500e+00)\tAcc@1   1.56 (  0.78)
Epoch: [0][  20/5005]\tTime  0.312 ( 0.512)\tData  0.001 ( 0.051)\tLoss 6.8412e+00 (6.9000e+00)\tAcc@1   2.56 (  1.78)
step 250: train loss 2.4593, val loss 2.5012
loss: tensor(0.3123, device='cuda:0', grad_fn=<NllLossBackward0>)
"""
TQDM = "\r 10%|█ | 1/10 [00:01<00:09,  1.01s/it, loss=0.9, lr=1e-5]\r 20%|██ | 2/10 [00:02<00:08,  1.00it/s, loss=0.8, lr=9e-6]\n"
JSON = """\
{"time": "2026-01-02T03:04:05", "level": "INFO", "pid": 4242, "step": 100, "train/loss": 0.51, "perplexity": 12.5}
{"time": "2026-01-02T03:04:06", "level": "INFO", "pid": 4242, "step": 200, "train/loss": 0.41, "perplexity": 11.5}
"""
NOISE = """\
2026-01-02 03:04:05,678 - INFO - Starting on host 10.0.0.12:29500, rank: 0, world_size: 8
Namespace(batch_size=32, epochs=10, lr=0.001, seed=42, loss_weight=0.5)
torch version: 2.5.1, CUDA: 12.4, port=8080, pid=31337
GPU memory: 10240 MB, size=1048576, took 12.5s, ETA: 0:12:30, elapsed: 12:30
Loading /data/run_12/shard-00012.tar at 0x7f3a12b0, http://localhost:6006/
  File "train.py", line 123, in <module>
NCCL version 2.21.5+cuda12.4
[W1120 21:00:01.123 socket.cpp:697] retry: 3, timeout: 60
100%|██████████| 500/500 [01:20<00:00,  6.21it/s]
Map: 50%|█████     | 500/1000 [00:01<00:01, 512.11 examples/s]
Loading checkpoint shards:  33%|███▎      | 1/3 [00:01<00:02,  1.01s/it]
KeyError: 5
ERROR: 137
INFO:     127.0.0.1:54321 - "GET /metrics HTTP/1.1" 200
algo-1:17:33 [0] NCCL INFO comm 0x55d rank 0 nranks 8 cudaDev 0 busId 1000 - Init COMPLETE
[2026-01-02 03:04:05,678] [INFO] [stage_1_and_2.py:149:__init__] Reduce bucket size 500000000
"""


def extracted(log: str, definitions: Sequence[Definition] = (), *, automatic: bool = True) -> Rows:
    extractor = Extractor(definitions, automatic=automatic)
    out: Rows = []
    for part in (extractor.feed(log.encode(), 0), extractor.flush()):
        names = [part.names[number] for number in part.name_ids]
        out += list(zip(names, part.values, part.steps, strict=True))
    return out


AUTOMATIC: list[tuple[str, str, Rows]] = [
    (
        "scikit-learn",
        SKLEARN,
        [
            ("loss", 2.30891132, 1), ("Validation_score", 0.412345, 1), ("loss", 1.92113, 2),
            ("Validation_score", 0.512345, 2), ("train_loss", 0.9123, 2), ("train_accuracy", 0.71, 2),
            ("validation_loss", 0.95, 2), ("validation_accuracy", 0.69, 2), ("train_loss", 0.8123, 3),
            ("train_accuracy", 0.75, 3), ("validation_loss", 0.85, 3), ("validation_accuracy", 0.72, 3),
            ("lr", 0.001, 2), ("lr", 0.001, 3),
        ],
    ),
    (
        "xgboost",
        XGBOOST,
        [
            ("train-rmse", 0.52104, 0), ("validation-rmse", 0.61001, 0),
            ("train-rmse", 0.41104, 1), ("validation-rmse", 0.52001, 1),
        ],
    ),
    (
        "lightgbm",
        LIGHTGBM,
        [("valid_0:auc", 0.91, 1), ("valid_0:l2", 0.5123, 1), ("valid_0:l2", 0.4123, 2), ("valid_0:auc", 0.92, 2)],
    ),
    (
        "catboost",
        CATBOOST,
        [
            ("learn", 0.69, 0), ("learn", 0.68, 1), ("test", 0.691, 0), ("test", 0.682, 1), ("best", 0.691, 0),
            ("best", 0.682, 1), ("bestTest", 0.682, 1),
        ],
    ),
    (
        "keras",
        KERAS,
        [
            ("accuracy", 0.125, 1), ("loss", 2.34, 1), ("accuracy", 0.5, 2), ("loss", 1.5, 2),
            ("val_accuracy", 0.6, 1), ("val_loss", 1.2, 1), ("accuracy", 0.7, 3), ("loss", 0.9, 3),
            ("val_accuracy", 0.75, 2), ("val_loss", 0.8, 2),
        ],
    ),
    (
        "lightning",
        LIGHTNING,
        [
            ("train_loss", 0.53, 0), ("train_loss", 0.43, 1), ("val_loss", 0.51, 0), ("train_loss", 0.33, 2),
            ("val_loss", 0.41, 1), ("test_acc", 0.9312000274658203, 1),
        ],
    ),
    (
        "hugging face",
        HUGGINGFACE,
        [
            ("loss", 0.6931, 1), ("loss", 0.6131, 2), ("grad_norm", 4.25, 1), ("grad_norm", 3.25, 2),
            ("learning_rate", 4.8e-05, 1), ("learning_rate", 4.6e-05, 2), ("eval_loss", 0.5012, 1),
            ("eval_accuracy", 0.81, 1),
        ],
    ),
    (
        "mxnet",
        MXNET,
        [("accuracy", 0.612345, 0), ("Train-accuracy", 0.712345, 0), ("Validation-accuracy", 0.702345, 0)],
    ),
    ("sagemaker", SAGEMAKER, [("train:loss", 13.27, 0), ("train:loss", 11.5, 1)]),
    ("tqdm", TQDM, [("loss", 0.9, 1), ("loss", 0.8, 2), ("lr", 1e-05, 1), ("lr", 9e-06, 2)]),
    (
        "json",
        JSON,
        [("train/loss", 0.51, 100), ("perplexity", 12.5, 100), ("train/loss", 0.41, 200), ("perplexity", 11.5, 200)],
    ),
    (
        "pytorch",
        PYTORCH,
        [
            ("Loss", 2.299825, 1), ("Loss", 1.735624, 2), ("Average_loss", 0.0512, 1), ("Accuracy", 98.0, 1),
            ("Loss", 6.9412, 3), ("Acc@1", 1.56, 0), ("Loss", 6.8412, 4), ("Acc@1", 2.56, 1),
            ("train_loss", 2.4593, 250), ("val_loss", 2.5012, 250), ("loss", 0.3123, 250),
        ],
    ),
    ("noise", NOISE, []),
]  # fmt: skip


@pytest.mark.parametrize(("log", "rows"), [case[1:] for case in AUTOMATIC], ids=[case[0] for case in AUTOMATIC])
def test_metrics_are_learnt_from_the_log(log: str, rows: Rows) -> None:
    assert sorted(extracted(log)) == sorted(rows)


@pytest.mark.parametrize("times", [2, 5, 50])
def test_noise_that_repeats_is_still_noise(times: int) -> None:
    assert extracted(NOISE * times) == []
    # ... also when its numbers change from one time to the next
    assert extracted("".join(NOISE.replace("50%", f"{n}%").replace("33%", f"{n}%") for n in range(times))) == []


PRESETS: list[tuple[str, str, Rows]] = [
    (
        "xgboost",
        XGBOOST,
        [
            ("train:rmse", 0.52104, 0), ("train:rmse", 0.41104, 1), ("validation:rmse", 0.61001, 0),
            ("validation:rmse", 0.52001, 1),
        ],
    ),
    (
        "keras",
        KERAS,
        [
            ("accuracy", 0.125, 1), ("accuracy", 0.5, 2), ("accuracy", 0.7, 3), ("loss", 2.34, 1), ("loss", 1.5, 2),
            ("loss", 0.9, 3), ("val_accuracy", 0.6, 1), ("val_accuracy", 0.75, 2), ("val_loss", 1.2, 1),
            ("val_loss", 0.8, 2),
        ],
    ),
    (
        "lightning",
        LIGHTNING,
        [
            ("train_loss", 0.53, 0), ("train_loss", 0.43, 1), ("train_loss", 0.33, 2), ("val_loss", 0.51, 0),
            ("val_loss", 0.41, 1), ("test_acc", 0.9312000274658203, 1),
        ],
    ),
    (
        "huggingface",
        HUGGINGFACE,
        [
            ("loss", 0.6931, 1), ("loss", 0.6131, 2), ("grad_norm", 4.25, 1), ("grad_norm", 3.25, 2),
            ("learning_rate", 4.8e-05, 1), ("learning_rate", 4.6e-05, 2), ("eval_loss", 0.5012, 1),
            ("eval_accuracy", 0.81, 1), ("eval_runtime", 2.31, 1), ("eval_samples_per_second", 433.1, 1),
        ],
    ),
    (
        "mxnet",
        MXNET,
        [
            ("train:batch-accuracy", 0.612345, 0), ("train:throughput", 1521.22, 0), ("train:accuracy", 0.712345, 0),
            ("train:time-cost", 12.312, 0), ("validation:accuracy", 0.702345, 0),
        ],
    ),
    (
        "sagemaker",
        SAGEMAKER,
        [
            ("train:loss", 13.27, 0), ("train:loss", 11.5, 1), ("train:progress", 10.0, 0),
            ("train:throughput", 5320.1, 1),
        ],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "log", "rows"), PRESETS, ids=[case[0] for case in PRESETS])
def test_presets_find_what_their_framework_prints(name: str, log: str, rows: Rows) -> None:
    assert sorted(extracted(log, preset(name), automatic=False)) == sorted(rows)


def test_a_field_that_recurs_beside_metrics_is_one_and_its_first_value_is_not_lost() -> None:
    rows = extracted("step=1 loss=5 norm=1.5\nstep=2 loss=4 norm=1.5\nstep=3 loss=3 norm=1.5\n")
    assert [(value, step) for name, value, step in rows if name == "norm"] == [(1.5, 1), (1.5, 2), (1.5, 3)]


def test_whole_numbers_that_never_change_or_go_one_way_are_no_metrics() -> None:
    found = (3, 9, 1, 4, 4, 6, 2, 8)
    log = "".join(
        f"step={n} loss={n / 2} workspace=10 seen={n * n} left={99 - n} regions={found[n - 1]}\n"
        for n in range(1, 9)
    )
    assert {name for name, _, _ in extracted(log)} == {"loss", "regions"}
    assert tuple(value for name, value, _ in extracted(log) if name == "regions") == found


def test_a_field_that_stands_alone_must_recur_and_change() -> None:
    assert extracted("temperature=20\n" * 9) == []
    assert [row[1] for row in extracted("temperature=20\ntemperature=23\ntemperature=22\n")] == [20.0, 23.0, 22.0]


def test_what_is_defined_is_not_learnt_a_second_time() -> None:
    rows = extracted("loss=5 acc=0.5\n", [Definition("loss", r"loss=(\S+)")])
    assert sorted(rows) == [("acc", 0.5, 1), ("loss", 5.0, 1)]


@pytest.mark.parametrize("log", [SKLEARN, XGBOOST, LIGHTGBM, KERAS, HUGGINGFACE, JSON, SAGEMAKER])
def test_learnt_metrics_come_as_definitions_that_find_the_same_values(log: str) -> None:
    extractor = Extractor([], automatic=True)
    extractor.feed(log.encode(), 0)
    learnt = extractor.definitions()
    assert learnt
    assert {definition.origin for definition in learnt} == {"auto"}
    assert all(Pattern(definition).engine == "re2" for definition in learnt)
    # Once learnt, a definition is what finds the field; order among a line's values is the definitions'.
    given = [(name, value) for name, value, _ in extracted(log, learnt, automatic=False)]
    assert sorted(given) == sorted((name, value) for name, value, _ in extracted(log))


def test_names_are_remembered_within_bounds() -> None:
    extractor = Extractor([], automatic=True)
    log = b"".join(b"field%dx=1.5 loss%dy_loss=2\n" % (number, number) for number in range(2 * MOST_NAMES))
    extractor.feed(log, 0)
    assert len(extractor.state()["learning"]["detector"]["names"]) == MOST_NAMES
    assert len(extractor.definitions()) <= MOST_NAMES
