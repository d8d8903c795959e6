"""Fisher vectors, codebooks and the classifier: properties, and scikit-learn where it computes the same."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from onlooker.errors import ConfigError
from onlooker.methods.recognition.dense_trajectories import CHANNELS, Trajectories, fisher
from onlooker.methods.recognition.dense_trajectories.codebook import Channel, Mixture, Pca, Sums
from onlooker.methods.recognition.dense_trajectories.svm import fit_svm

torch.set_num_threads(1)


def mixture(gaussians: int = 3, dim: int = 4) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    weights = torch.rand(gaussians, generator=generator, dtype=torch.float64) + 0.2
    means = 4 * torch.randn(gaussians, dim, generator=generator, dtype=torch.float64)
    return weights / weights.sum(), means, torch.rand(gaussians, dim, generator=generator, dtype=torch.float64) + 0.3


def draws(count: int, seed: int = 1) -> torch.Tensor:
    weights, means, variances = mixture()
    generator = torch.Generator().manual_seed(seed)
    which = torch.multinomial(weights, count, replacement=True, generator=generator)
    noise = torch.randn(count, means.shape[1], generator=generator, dtype=torch.float64)
    return means[which] + noise * variances[which].sqrt()


def vector_of(rows: torch.Tensor) -> torch.Tensor:
    shares = fisher.posteriors(rows, *mixture())
    both = fisher.gradients(*fisher.moments(rows, shares), len(rows), *mixture())
    return torch.cat([gradient.flatten() for gradient in both])


def test_samples_of_the_mixture_itself_pull_at_nothing() -> None:
    assert vector_of(draws(40_000)).abs().max() < 0.03
    assert vector_of(draws(40_000) + 0.5).abs().max() > 0.2


@settings(max_examples=8, deadline=None)
@given(st.integers(1, 40), st.integers(2, 5))
def test_duplicates_change_nothing_and_the_length_is_one(count: int, times: int) -> None:
    rows = draws(count)
    torch.testing.assert_close(vector_of(rows), vector_of(rows.repeat(times, 1)))
    assert float(fisher.normalise(vector_of(rows)).norm()) == pytest.approx(1)


def test_gradients_are_those_of_the_likelihood() -> None:
    """G = d log p / d parameter, over sqrt of the Fisher information: sigma / sqrt(w) for means, sigma / sqrt(2 w)."""
    rows = draws(50)
    weights, means, variances = mixture()
    means.requires_grad_()
    deviations = variances.sqrt().requires_grad_()
    fisher.log_joint(rows, weights, means, deviations**2).logsumexp(1).mean().backward()
    scale = deviations.detach() / weights[:, None].sqrt()
    wanted = torch.cat(((means.grad * scale).flatten(), (deviations.grad * scale / 2**0.5).flatten()))
    torch.testing.assert_close(vector_of(rows), wanted)


def test_nothing_gives_zeros() -> None:
    assert not fisher.normalise(torch.zeros(3)).any()
    assert not vector_of(draws(3)[:0]).any()


def test_posteriors_and_pca_agree_with_scikit_learn() -> None:
    decomposition = pytest.importorskip("sklearn.decomposition", reason="needs the extra [dev]")
    rows = draws(300)
    pca = Pca(4, 2, torch.Generator())
    pca.fit(rows.float())
    theirs = decomposition.PCA(2).fit(rows.numpy())
    ours = pca.components.numpy()
    np.testing.assert_allclose(np.abs((ours * theirs.components_).sum(1)), 1, atol=1e-5)
    np.testing.assert_allclose(ours @ ours.T, np.eye(2), atol=1e-5)
    np.testing.assert_allclose(pca(rows.float()).var(0).numpy(), theirs.explained_variance_, rtol=1e-4)


def test_a_mixture_is_found_again_and_the_likelihood_never_falls() -> None:
    weights, means, variances = mixture()
    found = Mixture(3, 4, torch.Generator())
    history = found.fit(draws(20_000).float(), torch.Generator().manual_seed(0))
    assert all(later >= earlier - 1e-4 for earlier, later in pairwise(history))
    order = torch.cdist(means.float(), found.means).argmin(1)
    assert sorted(order.tolist()) == [0, 1, 2]
    torch.testing.assert_close(found.weights[order], weights.float(), atol=0.02, rtol=0)
    torch.testing.assert_close(found.means[order], means.float(), atol=0.1, rtol=0)
    torch.testing.assert_close(found.vars[order], variances.float(), atol=0.1, rtol=0)


def test_equal_rows_do_not_break_a_mixture() -> None:
    found = Mixture(2, 3, torch.Generator())
    found.fit(torch.ones(10, 3), torch.Generator().manual_seed(0))
    assert torch.isfinite(fisher.posteriors(torch.ones(1, 3), found.weights, found.means, found.vars)).all()


def some(count: int, seed: int = 0) -> Trajectories:
    rng = np.random.default_rng(seed)
    pair, one = np.zeros((count, 2), np.float32), np.zeros(count, np.float32)
    described = [rng.random((count, width)).astype(np.float32) for width in CHANNELS.values()]
    return Trajectories(
        np.zeros(count, np.int64), np.zeros((count, 16, 2), np.float32), pair, pair, one, one, *described
    )


def test_sums_of_parts_are_those_of_the_whole() -> None:
    generator = torch.Generator().manual_seed(0)
    channels = {name: Channel(name, 4, generator) for name in CHANNELS}
    parts = [some(5), some(0), some(9, 1)]
    vectors = []
    for given_parts in (parts, [Trajectories.join(parts)]):
        sums = Sums(channels)
        for part in given_parts:
            sums.add(part)
        vectors.append(sums.vector())
    assert vectors[0].shape == (2 * 4 * 213,)
    torch.testing.assert_close(vectors[0], vectors[1], atol=1e-5, rtol=1e-4)
    assert float(vectors[0].norm()) == pytest.approx(5**0.5, abs=1e-5)
    assert not Sums(channels).vector().any()


def test_too_few_trajectories_are_refused() -> None:
    with pytest.raises(ConfigError, match="too few for 4 gaussians"):
        Channel("hog", 4, torch.Generator()).fit(some(7).hog, torch.Generator())


# --- the classifier ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cost", [0.1, 1.0])
def test_the_objective_is_that_of_scikit_learn(cost: float) -> None:
    svm = pytest.importorskip("sklearn.svm", reason="needs the extra [dev]")
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 3
    vectors = rng.normal(0, 1, (60, 8)) + np.eye(3, 8)[labels]
    coefficients, intercepts = fit_svm(vectors, labels, 3, cost, rounds=3000)
    for number in range(3):

        def objective(coefficients: np.ndarray, intercept: float, number: int = number) -> float:
            signs = np.where(labels == number, 1, -1)
            losses = np.maximum(0, 1 - signs * (vectors @ coefficients + intercept))
            return float(0.5 * ((coefficients**2).sum() + intercept**2) + cost * losses.sum())

        theirs = svm.LinearSVC(C=cost, loss="hinge", tol=1e-8, max_iter=1_000_000).fit(vectors, labels == number)
        reached = objective(coefficients[number], intercepts[number])
        assert reached == pytest.approx(objective(theirs.coef_[0], float(theirs.intercept_[0])), rel=2e-3)


def test_impossible_lessons_are_refused() -> None:
    for labels, classes in (([0, 0], 2), ([0, 1], 1), ([0, 2], 3)):
        with pytest.raises(ConfigError, match="examples per class"):
            fit_svm(np.eye(2), np.array(labels), classes)
    with pytest.raises(ConfigError, match="one finite row per label"):
        fit_svm(np.eye(3), np.array([0, 1]), 2)
    with pytest.raises(ConfigError, match="one finite row per label"):
        fit_svm(np.full((2, 2), np.nan), np.array([0, 1]), 2)
