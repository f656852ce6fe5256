import json

from despoof.weights import registry


def test_models_lists_weights_with_figures_and_systems(cli, make_weights, tmp_path, monkeypatch):
    make_weights(tmp_path / "tiny", threshold=0.25)
    make_weights(tmp_path / "bare", system="rgb-baseline", threshold=None, measured={})
    monkeypatch.setattr(registry, "FILES", tmp_path)
    shown = cli("models")
    assert shown.code == 0 and not shown.err
    for text in ("tiny", "bare", "rgb-baseline", "0.2500 (eer on x dev)", "tests only", "MB"):
        assert text in shown.out
    assert "x test.auc: 0.5" in shown.out and "arXiv:1807.09968" in shown.out
    done = cli("models", "--json")
    (line,) = done.out.splitlines()
    listed = json.loads(line)
    assert [record["name"] for record in listed["weights"]] == ["bare", "tiny"]
    assert listed["weights"][1]["threshold"]["value"] == 0.25
    assert {"face-despoofing", "rgb-baseline"} <= {system["name"] for system in listed["systems"]}


def test_a_package_without_weights_says_so(cli, tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "FILES", tmp_path)
    shown = cli("models")
    assert shown.code == 0 and "No weights in this package" in shown.out


def test_a_damaged_record_is_one_line(cli, make_weights, tmp_path, monkeypatch):
    make_weights(tmp_path / "tiny")
    (tmp_path / "tiny" / "record.json").write_text("{")
    monkeypatch.setattr(registry, "FILES", tmp_path)
    done = cli("models")
    assert done.code == 2 and done.err.count("\n") == 1 and "record.json" in done.err
