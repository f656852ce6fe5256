import json
import subprocess
import sys

import pytest

HEAVY = ("torch", "pydantic", "numpy", "onnxruntime", "PIL", "av", "scipy", "skimage")


def modules_after(code):
    """The names of the modules that a fresh process has loaded after `code`."""
    script = f"{code}\nimport json, sys\nprint('\\n' + json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_import_loads_nothing_heavy():
    assert not modules_after("import despoof; despoof.__version__") & {*HEAVY, "typer", "rich"}


@pytest.mark.parametrize("arguments", [["--help"], ["check", "--help"], ["--version"]])
def test_help_loads_neither_torch_nor_the_readers(arguments):
    code = f"from despoof.cli.main import main\nassert main({arguments}) == 0"
    loaded = modules_after(code)
    # typer itself may load pydantic
    assert not loaded & {"torch", "onnxruntime", "av", "scipy", "skimage"}


def test_public_names_load_on_first_use():
    import despoof

    assert {despoof.load, despoof.Detector, despoof.Verdict, despoof.Decomposition}
    assert set(despoof.__all__) == {"Decomposition", "Detector", "Verdict", "__version__", "load"}
    with pytest.raises(AttributeError, match="no attribute 'lod'"):
        despoof.lod  # noqa: B018


def test_python_dash_m_is_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "despoof", "--version"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    import despoof

    assert done.stdout.strip() == f"despoof {despoof.__version__}"
