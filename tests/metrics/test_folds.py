import numpy as np
import pytest

from despoof.core.errors import InputError
from despoof.metrics.folds import fold_table, over_folds


@pytest.mark.parametrize("ddof", [0, 1])
def test_mean_and_sd_are_numpys(ddof):
    values = [0.01, 0.035, 0.0, 0.07, 0.02, 0.05]
    found = over_folds(values, ddof)
    assert found.mean == pytest.approx(np.mean(values))
    assert found.sd == pytest.approx(np.std(values, ddof=ddof))
    assert (found.values, found.ddof) == (tuple(values), ddof)


def test_it_prints_as_papers_do():
    assert str(over_folds([0.0, 0.05, 0.1])) == "5.0 ± 5.0"
    assert str(over_folds([0.05])) == "5.0 ± n/a"
    assert over_folds([0.05]).sd is None
    assert over_folds([0.05], ddof=0).sd == 0


def test_acer_over_folds_is_the_mean_of_acers():
    folds = [{"apcer": 0.1, "acer": 0.06}, {"apcer": 0.0, "acer": 0.01}]
    table = fold_table(folds)
    assert list(table) == ["apcer", "acer"]
    assert table["acer"].mean == pytest.approx(0.035)


def test_bad_folds_are_refused():
    with pytest.raises(InputError, match="have no mean"):
        over_folds([])
    with pytest.raises(InputError, match="have no mean"):
        over_folds([0.1, float("nan")])
    with pytest.raises(InputError, match="ddof=2"):
        over_folds([0.1, 0.2], 2)
    with pytest.raises(InputError, match="no folds"):
        fold_table([])
    with pytest.raises(InputError, match="Fold 1 has"):
        fold_table([{"a": 0.1}, {"b": 0.1}])
