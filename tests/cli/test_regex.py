import json
from pathlib import Path

from tests.cli.commands import epochwatch

LOG = "epoch=1 loss=0.5\nepoch=2 loss=0.25\nepoch=3 loss=n/a\n"


def test_report_shows_matches_first_value_and_its_line(tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    log.write_text("hello\n" + LOG)
    done = epochwatch(tmp_path, "regex", str(log), "-m", "train:loss=loss=([0-9.]+)")
    assert done.returncode == 0
    header, row = done.stdout.splitlines()
    assert header.split() == ["METRIC", "FROM", "MATCHES", "FIRST", "VALUE", "FIRST", "LINE"]
    assert row.split() == ["train:loss", "flag", "2", "0.5", "2:", "epoch=1", "loss=0.5"]
    assert "2 values in 4 lines" in done.stderr


def test_definition_that_never_matches_exits_1_and_is_named(tmp_path: Path) -> None:
    done = epochwatch(tmp_path, "regex", "-", "-m", "loss=loss=([0-9.]+)", "-m", "acc=acc=([0-9.]+)", stdin=LOG)
    assert done.returncode == 1
    assert "warning: 'acc' never matched: acc=([0-9.]+)" in done.stderr
    assert "'loss'" not in done.stderr


def test_text_that_is_no_number_is_pointed_at(tmp_path: Path) -> None:
    done = epochwatch(tmp_path, "regex", "-", "-m", r"loss=loss=(\S+)", stdin=LOG)
    assert done.returncode == 0
    assert "'loss' captured what is no number in 1 of 3 matches, first in line 3: epoch=3 loss=n/a" in done.stderr


def test_json_is_the_report_and_nothing_else(tmp_path: Path) -> None:
    done = epochwatch(tmp_path, "regex", "-", "-m", "loss=loss=([0-9.]+)", "--json", stdin=LOG)
    report = json.loads(done.stdout)
    assert report["lines"] == 3
    assert report["values"] == 2
    [definition] = report["definitions"]
    assert definition["matched"] == 2
    assert definition["first"] == {"line": 1, "text": "epoch=1 loss=0.5", "value": 0.5}


def test_metrics_are_learnt_where_no_definition_is_given(tmp_path: Path) -> None:
    report = json.loads(epochwatch(tmp_path, "regex", "-", "--json", stdin=LOG).stdout)
    assert "loss" in {definition["name"] for definition in report["definitions"]}
    done = epochwatch(tmp_path, "regex", "-", "--no-auto", stdin=LOG)
    assert done.returncode == 2
    assert "error: nothing to try" in done.stderr


def test_one_match_is_enough_for_a_preset_but_none_is_a_failure(tmp_path: Path) -> None:
    printed = "[0]\ttrain-rmse:0.5\n[1]\ttrain-rmse:0.25\n"
    done = epochwatch(tmp_path, "regex", "-", "--preset", "xgboost", stdin=printed)
    assert done.returncode == 0
    assert "train:rmse" in done.stdout
    assert "train:auc" not in done.stdout
    assert epochwatch(tmp_path, "regex", "-", "--preset", "keras", stdin=printed).returncode == 1


def test_definitions_come_from_a_saved_sagemaker_request(tmp_path: Path) -> None:
    file = tmp_path / "job.json"
    definitions = [{"Name": "loss", "Regex": "loss=([0-9.]+)"}]
    file.write_text(json.dumps({"AlgorithmSpecification": {"MetricDefinitions": definitions}}))
    report = json.loads(epochwatch(tmp_path, "regex", "-", "--metrics", str(file), "--json", stdin=LOG).stdout)
    assert [(found["name"], found["origin"]) for found in report["definitions"]] == [("loss", "file")]


def test_regex_that_does_not_compile_exits_2(tmp_path: Path) -> None:
    done = epochwatch(tmp_path, "regex", "-", "-m", "loss=loss=(", stdin=LOG)
    assert done.returncode == 2
    assert "the regex of metric 'loss' does not compile" in done.stderr


def test_definitions_that_get_in_each_other_s_way_are_told(tmp_path: Path) -> None:
    definitions = ("-m", "loss=loss=(.)", "-m", "loss=oss=(.)", "-m", "other=[a-z]oss=(.)")
    done = epochwatch(tmp_path, "regex", "-", *definitions, stdin="loss=1\nval_loss=2 loss=3\n")
    assert done.returncode == 0
    told = [line.removeprefix("warning: ") for line in done.stderr.splitlines()]
    assert "'loss' captured the same text as 'other' on all 2 lines looked at: loss=1" in told
    assert (
        "'loss' matched more than once in 1 of 2 lines looked at (the first match counts): val_loss=2 loss=3"
        in told
    )
    assert any(line.startswith("'loss' gave no value of its own: an earlier definition") for line in told)
    report = json.loads(
        epochwatch(tmp_path, "regex", "-", *definitions, "--json", stdin="loss=1\nval_loss=2 loss=3\n").stdout
    )
    assert [one["shadowed"] for one in report["definitions"]] == [0, 2, 0]
    assert report["definitions"][2]["ambiguous"][0]["other"] == "loss"
