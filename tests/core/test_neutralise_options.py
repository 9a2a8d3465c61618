"""The robust fit against statsmodels, the principal components against a loop over days."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from neutral_cases import SHAPE, case, factor_set, pool, regressors, residuals, with_nan, zscores

from lib.errors import ParameterError
from lib.factors.neutralisation import Huber, neutralise, principal_components

FLOAT32 = 5e-6


@pytest.mark.parametrize("tuning", [1.345, 0.9])
def test_the_robust_fit_is_statsmodels(tuning):
    sm = pytest.importorskip("statsmodels.api")
    factors, exposures = case(20)
    rule = Huber(tuning=tuning, iterations=300)
    found = with_nan(neutralise(factors, exposures, robust=rule, standardise=False))
    for t, k in [(0, 0), (3, 1), (6, 2), (9, 3), (11, 5)]:
        cells = np.flatnonzero(pool(factors, exposures, 2)[t, :, k])
        X, y = regressors(exposures, t, cells, 2), factors.values[t, cells, k].astype(float)
        fit = sm.RLM(y, X, M=sm.robust.norms.HuberT(t=tuning)).fit(maxiter=1000, tol=1e-12)
        assert np.abs(found[t, cells, k] - fit.resid).max() < 1e-5 * np.abs(fit.resid).max()


def test_an_outlier_moves_the_robust_fit_little():
    factors, exposures = case(21)
    inside = pool(factors, exposures, 2)
    values = factors.values / np.abs(factors.values).max(axis=(0, 1))
    t, n = np.argwhere(inside[..., 0] & (np.bincount(exposures.codes[0] + 1).argmax() == exposures.codes + 1))[0]
    spoilt = values.copy()
    spoilt[t, n, 0] += 1e3
    others = inside[t, :, 0] & (np.arange(SHAPE[1]) != n)

    def moved(robust: bool) -> float:
        before, after = (
            neutralise(factor_set(v, factors.valid), exposures, robust=robust, standardise=False).values[t, others, 0]
            for v in (values, spoilt)
        )
        return float(np.abs(after - before).max())

    assert moved(robust=True) < 0.01 * moved(robust=False)


def test_robust_settings_are_checked():
    for wrong in ({"tuning": 0.0}, {"tuning": float("nan")}, {"iterations": 0}):
        with pytest.raises(ParameterError, match="Huber"):
            Huber(**wrong)


@pytest.mark.parametrize("k", [1, 3])
def test_components_equal_a_loop_over_days(k):
    factors, exposures = case(22)
    inside = pool(factors, exposures, 2)
    scores = np.nan_to_num(zscores(np.where(inside, factors.values, np.nan).astype(float)))
    left = np.zeros_like(scores)
    for t, z in enumerate(scores):
        length = np.sqrt((z**2).sum(axis=0))
        values, vectors = np.linalg.eigh(z.T @ z / np.outer(length, length))
        top = vectors[:, np.argsort(values)[::-1][:k]]
        left[t] = z - z @ top @ top.T
    expected = zscores(residuals(factor_set(left, factors.valid), exposures, 2))
    found = with_nan(neutralise(factors, exposures, components=k))
    assert np.nanmax(np.abs(found - expected)) < 1e-5  # the expectation went through float32 once more


def test_a_planted_component_is_found_and_removed():
    rng = np.random.default_rng(23)
    common = rng.normal(size=(3, 400, 1))
    values = 2 * common * np.array([1, -1, 1, 1, 0]) + 0.3 * rng.normal(size=(3, 400, 5))
    z = torch.from_numpy((values - values.mean(axis=1, keepdims=True)) / values.std(axis=1, keepdims=True))
    loadings, shares = principal_components(z.transpose(1, 2), 2)
    assert np.abs(loadings[:, :, 0].abs().numpy() - [0.5, 0.5, 0.5, 0.5, 0]).max() < 0.15  # 3 / sqrt(400)
    assert (shares[:, 0] > 0.7).all() and (shares[:, 0] > shares[:, 1]).all()
    peak = loadings.gather(1, loadings.abs().argmax(dim=1, keepdim=True))
    assert (peak > 0).all()
    signs = torch.sign(loadings[:, :, 0])
    assert ((signs[:, 0] == -signs[:, 1]) & (signs[:, 0] == signs[:, 2]) & (signs[:, 0] == signs[:, 3])).all()
