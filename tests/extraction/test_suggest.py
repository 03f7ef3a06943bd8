"""Definitions that are suggested for a log find in it just what was learnt."""

import json
from pathlib import Path

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from epochwatch.extraction import fields
from epochwatch.extraction.definitions import validate
from epochwatch.extraction.extractor import Extractor
from epochwatch.extraction.forms import escape_tabs
from epochwatch.extraction.names import channelled
from epochwatch.extraction.pattern import Pattern
from epochwatch.extraction.suggest import Suggestion, suggest
from epochwatch.model.batch import Definition
from tests.cli.commands import epochwatch
from tests.extraction.corpus.cases import Case, cases

NUMBER = f"({fields.NUMBER})"


def suggested(*logs: bytes) -> dict[str, str]:
    """The regexes suggested, by name; each number class is written NUMBER."""
    made = suggest([lambda log=log: [log] for log in logs])  # type: ignore[misc]
    assert all(suggestion.same for suggestion in made.suggestions)
    return {suggestion.name: suggestion.regex.replace(NUMBER, "NUMBER") for suggestion in made.suggestions}


@pytest.mark.parametrize(
    ("log", "regexes"),
    [
        (b"step=1 loss=0.5\nstep=2 loss=1e-5\n", {"loss": " loss=NUMBER"}),
        (b"Iteration 1, loss = 0.5\n", {"loss": " loss = NUMBER"}),
        (b"Train Epoch: 1 [0/60 (0%)]\tLoss: 2.29\n", {"Loss": r"(?:\t|#011)Loss: NUMBER"}),
        (b"{'eval_loss': 0.5}\n", {"eval_loss": "'eval_loss': NUMBER"}),
        (
            b'{"loss": 0.5, "val/loss": 1}\n',
            {"train:loss": '"loss": NUMBER', "validation:loss": '"val/loss": NUMBER'},
        ),
        (b"loss 0.5 loss_b 2\n- loss   0.25\n", {"loss": "(?:^| )loss +NUMBER", "loss_b": " loss_b NUMBER"}),
        (b"Acc@1 61.2 (60.9)\n", {"Acc@1": "^Acc@1 NUMBER"}),
        (b"Accuracy: 9821/10000 (98%)\n", {"Accuracy": r"^Accuracy: [0-9]+/[0-9]+ \(NUMBER"}),
        (b"loss: tensor(0.3123, device='cuda:0')\n", {"loss": r"^loss: tensor\(NUMBER"}),
        (
            b"epoch,loss,acc\n0,0.5,0.1\n1,0.25,0.2\n",
            {
                "loss": "^\\s*[0-9]+, *NUMBER, *[-+0-9.,eEnaifNI%]+",
                "acc": "^\\s*[0-9]+, *[-+0-9.,eEnaifNI%]+, *NUMBER",
            },
        ),
    ],
)
def test_definitions_are_as_tight_as_a_person_writes_them(log: bytes, regexes: dict[str, str]) -> None:
    assert suggested(log) == regexes


def test_a_longer_text_before_the_name_tells_fields_apart_that_are_named_alike() -> None:
    log = b"train Loss: 1.5 Acc: 0.5\nBest val Acc: 0.75\ntrain Loss: 2.5 Acc: 0.25\n"
    assert suggested(log)["Acc"] == r"train Loss: [-+0-9.,e]+ Acc: NUMBER"


def test_thousands_and_suffixes_count_in_suggestions_as_in_learning() -> None:
    log = b"loss: 1,234.5 tokens seen: 1.5k\nloss: 7 tokens seen: 1.4M\nloss: 3 tokens seen: 9\n"
    made = {suggestion.learnt: suggestion for suggestion in suggest([lambda: [log]]).suggestions}
    assert made["loss"].same
    assert made["tokens_seen"].same
    assert "(?P<scale>[kKMGBT]?)" in made["tokens_seen"].regex


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_every_suggestion_for_a_real_log_is_a_valid_definition_that_finds_what_was_learnt(case: Case) -> None:
    made = suggest([lambda: [case.log]])
    assert not made.too_long
    assert [suggestion for suggestion in made.suggestions if not suggestion.same] == []
    assert len({suggestion.name for suggestion in made.suggestions}) == len(made.suggestions)
    for suggestion in made.suggestions:
        definition = validate(Definition(suggestion.name, suggestion.regex))
        assert Pattern(definition).engine == "re2"
        assert Pattern(definition).literals or definition.regex.startswith("^")


@pytest.mark.parametrize("case", [case for case in cases() if b"\t" in case.log], ids=lambda case: case.name)
def test_suggestions_for_lines_with_tabs_find_the_same_in_sagemaker_s_logs(case: Case) -> None:
    definitions = [
        Definition(suggestion.name, suggestion.regex) for suggestion in suggest([lambda: [case.log]]).suggestions
    ]

    def values(log: bytes) -> list[tuple[str, str]]:
        extractor = Extractor(definitions, automatic=False)
        parts = (extractor.feed(log, 0), extractor.flush())
        return [
            (part.names[number], repr(value))
            for part in parts
            for number, value in zip(part.name_ids, part.values, strict=True)
        ]

    assert values(escape_tabs(case.log)) == values(case.log)


def test_what_is_defined_is_not_suggested() -> None:
    made = suggest([lambda: [b"loss=1 acc=2\n"]], taken=["loss"])
    assert [suggestion.learnt for suggestion in made.suggestions] == ["acc"]


def test_a_suggestion_that_finds_other_values_says_so() -> None:
    # A field that is no metric before it changes: its first values are not learnt, a definition finds them all.
    log = b"".join(b"step=%d rung=%d\n" % (n, n if n < 40 else 7 * n % 40) for n in range(60))
    [suggestion] = suggest([lambda: [log]]).suggestions
    assert (suggestion.learnt, suggestion.found, suggestion.same) == ("rung", 60, False)
    assert suggestion.values < 60


@pytest.mark.parametrize(
    ("learnt", "names"),
    [
        (["loss", "val_loss"], ["train:loss", "validation:loss"]),
        (["train_loss", "val_loss", "lr"], ["train:loss", "validation:loss", "lr"]),
        (["Train_Loss", "Valid_Loss"], ["train:loss", "validation:loss"]),
        (["train-mAP", "eval/mAP"], ["train:mAP", "validation:mAP"]),
        (["loss/train", "loss/test"], ["train:loss", "test:loss"]),
        (["training:auc", "valid_0:auc"], ["train:auc", "validation:auc"]),
        (["train_loss", "loss", "val_loss"], ["train:loss", "loss", "validation:loss"]),
        (["val_loss", "valid_loss", "loss"], ["validation:loss", "valid_loss", "train:loss"]),
        (["train_loss", "lr"], ["train_loss", "lr"]),
        (["val_loss", "lr"], ["val_loss", "lr"]),
        (["train_loss", "train_step_time"], ["train_loss", "train_step_time"]),
    ],
)
def test_names_follow_sagemaker_where_the_log_tells_parts_of_the_data_apart(
    learnt: list[str], names: list[str]
) -> None:
    assert list(channelled(learnt).values()) == names


def test_several_logs_are_learnt_from_as_one() -> None:
    assert suggested(b"loss=1\nlr=0.5 acc", b"loss=2\nval_loss=3\nacc=4") == {
        "train:loss": "^loss=NUMBER",
        "validation:loss": "^val_loss=NUMBER",
        "acc": "^acc=NUMBER",
    }


LOG = "epoch=1 loss=0.5\nepoch=2 loss=0.25 val_loss=nan\n"


def test_the_command_prints_what_metrics_and_a_training_job_request_take(tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    log.write_text(LOG)
    done = epochwatch(tmp_path, "regex", str(log), "--suggest")
    assert done.returncode == 0
    assert done.stderr == "2 definitions for 3 values in 2 lines\n"
    definitions = json.loads(done.stdout)
    assert [definition["Name"] for definition in definitions] == ["train:loss", "validation:loss"]
    shape = ServiceModel(Loader().load_service_model("sagemaker", "service-2")).shape_for("AlgorithmSpecification")
    request = {"TrainingImage": "x", "TrainingInputMode": "File", "MetricDefinitions": definitions}
    assert not ParamValidator().validate(request, shape).has_errors()

    file = tmp_path / "metrics.json"
    file.write_text(done.stdout)
    report = json.loads(epochwatch(tmp_path, "regex", str(log), "--metrics", str(file), "--json").stdout)
    assert [(each["name"], each["matched"]) for each in report["definitions"]] == [
        ("train:loss", 2),
        ("validation:loss", 1),
    ]


def test_the_command_reads_standard_input_and_prints_json_that_metrics_takes(tmp_path: Path) -> None:
    done = epochwatch(tmp_path, "regex", "-", "--suggest", "--json", stdin=LOG)
    document = json.loads(done.stdout)
    assert [entry["Name"] for entry in document["MetricDefinitions"]] == ["train:loss", "validation:loss"]
    [first, _] = [Suggestion(**entry) for entry in document["suggestions"]]
    assert (first.learnt, first.values, first.found, first.same) == ("loss", 2, 2, True)
    file = tmp_path / "metrics.json"
    file.write_text(done.stdout)
    again = epochwatch(tmp_path, "regex", "-", "--metrics", str(file), stdin=LOG)
    assert again.returncode == 0


def test_nothing_to_suggest_exits_1_and_more_than_a_request_takes_is_said(tmp_path: Path) -> None:
    done = epochwatch(tmp_path, "regex", "-", "--suggest", stdin="hello\n")
    assert (done.returncode, done.stdout) == (1, "[]\n")
    many = "".join(f"loss_{chr(97 + n // 26)}{chr(97 + n % 26)}=1\n" for n in range(41))
    done = epochwatch(tmp_path, "regex", "-", "--suggest", stdin=many)
    assert len(json.loads(done.stdout)) == 41
    assert "a CreateTrainingJob request takes 40 definitions at most" in done.stderr
    assert epochwatch(tmp_path, "regex", "-", "--suggest", "--no-auto", stdin=LOG).returncode == 2


def test_the_command_names_the_file_of_each_example(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("x\nloss=1\n")
    (tmp_path / "b.log").write_text("acc=2\n")
    done = epochwatch(tmp_path, "regex", str(tmp_path / "a.log"), str(tmp_path / "b.log"))
    assert f"{tmp_path / 'a.log'}:2: loss=1" in done.stdout
    assert f"{tmp_path / 'b.log'}:1: acc=2" in done.stdout
    assert "2 values in 3 lines" in done.stderr
