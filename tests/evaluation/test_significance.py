import numpy as np
import pytest
from scipy.stats import ttest_rel
from statsmodels.stats.multitest import multipletests

from twintrain.evaluation.significance import holm, paired_t_p


def test_paired_t_test_is_scipys():
    rng = np.random.default_rng(0)
    pairs = [rng.normal([[0.3], [0.0]], size=(2, rows)) for rows in (5, 50, 500)]
    differences = [first - second for first, second in pairs]
    found = paired_t_p(*(np.array([f(d) for d in differences]) for f in (np.mean, lambda d: d.std(ddof=1), len)))
    assert found == pytest.approx([ttest_rel(first, second).pvalue for first, second in pairs], rel=1e-9)


def test_paired_t_test_of_differences_that_do_not_vary():
    found = paired_t_p(np.array([0.0, 0.5]), np.array([0.0, 0.0]), np.array([30, 30]))
    assert list(found) == [1.0, 1.0]


@pytest.mark.parametrize("p", [[0.01], [0.01, 0.04, 0.03], [0.5, 0.6, 0.001, 0.001, 0.9], [1.0, 1.0]])
def test_adjustment_is_that_of_statsmodels(p):
    assert holm(np.array(p)) == pytest.approx(multipletests(p, method="holm")[1], rel=1e-12)


def test_adjustment_by_hand():
    # 3 · 0.01; 2 · 0.03; 0.04, but no less than the one before.
    assert holm(np.array([0.01, 0.04, 0.03])) == pytest.approx([0.03, 0.06, 0.06])
