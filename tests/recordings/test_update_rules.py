"""The rules of optimizers against PyTorch's own over several steps, and against what papers say of them."""

import numpy as np
import pytest
import torch
from torch import nn, optim

from twintrain.recordings.comparing.training.update_rules import UpdateRule, limited

RNG = np.random.default_rng(2)
SHAPES = {"kernel": (4, 3), "bias": (3,)}
WEIGHTS = {name: RNG.normal(size=shape) for name, shape in SHAPES.items()}
GRADIENTS = [{name: RNG.normal(size=shape) for name, shape in SHAPES.items()} for _ in range(8)]
BETAS = {"beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-3}


def by_torch(kind, options, before=lambda parameters: None):
    parameters = {name: nn.Parameter(torch.tensor(array)) for name, array in WEIGHTS.items()}
    optimizer = kind(parameters.values(), **options)
    found = []
    for given in GRADIENTS:
        for name, parameter in parameters.items():
            parameter.grad = torch.tensor(given[name])
        before(parameters.values())
        optimizer.step()
        found.append({name: parameter.detach().numpy().copy() for name, parameter in parameters.items()})
    return found


def agree(rule, expected):
    # PyTorch keeps a product of NAdam's, and the rate of ASGD, in float32.
    atol = 1e-7 if rule.op in ("nadam", "asgd") else 1e-13
    for ours, theirs in zip(rule.after(WEIGHTS, GRADIENTS), expected, strict=True):
        for name, array in theirs.items():
            np.testing.assert_allclose(ours[name], array, rtol=0, atol=atol)


RULES = [
    ("sgd", {}, optim.SGD, {}),
    ("sgd", {"momentum": 0.9}, optim.SGD, {"momentum": 0.9}),
    ("sgd", {"momentum": 0.9, "rate_in_momentum": True}, optim.SGD, {"momentum": 0.9}),
    ("sgd", {"momentum": 0.9, "dampening": 0.5}, optim.SGD, {"momentum": 0.9, "dampening": 0.5}),
    ("sgd", {"momentum": 0.9, "nesterov": True}, optim.SGD, {"momentum": 0.9, "nesterov": True}),
    ("adam", BETAS, optim.Adam, {"betas": (0.8, 0.99), "eps": 1e-3}),
    ("adam", {**BETAS, "amsgrad": True}, optim.Adam, {"betas": (0.8, 0.99), "eps": 1e-3, "amsgrad": True}),
    ("nadam", BETAS, optim.NAdam, {"betas": (0.8, 0.99), "eps": 1e-3}),
    ("nadam", {**BETAS, "momentum_decay": 1.0}, optim.NAdam, {"betas": (0.8, 0.99), "eps": 1e-3, "momentum_decay": 1}),
    ("adamax", {**BETAS, "epsilon_is_added_to": "magnitude"}, optim.Adamax, {"betas": (0.8, 0.99), "eps": 1e-3}),
    ("rmsprop", {"rho": 0.9, "epsilon": 1e-3}, optim.RMSprop, {"alpha": 0.9, "eps": 1e-3}),
    (
        "rmsprop",
        {"rho": 0.9, "epsilon": 1e-3, "momentum": 0.9, "centered": True},
        optim.RMSprop,
        {"alpha": 0.9, "eps": 1e-3, "momentum": 0.9, "centered": True},
    ),
    (
        "adagrad",
        {"epsilon": 1e-3, "initial_accumulator_value": 0.1, "lr_decay": 0.5},
        optim.Adagrad,
        {"eps": 1e-3, "initial_accumulator_value": 0.1, "lr_decay": 0.5},
    ),
    ("adadelta", {"rho": 0.9, "epsilon": 1e-3}, optim.Adadelta, {"rho": 0.9, "eps": 1e-3}),
    ("radam", {**BETAS, "beta_2": 0.6}, optim.RAdam, {"betas": (0.8, 0.6), "eps": 1e-3}),
    ("radam", {**BETAS, "beta_2": 0.999}, optim.RAdam, {"betas": (0.8, 0.999), "eps": 1e-3}),
]


@pytest.mark.parametrize(("op", "options", "kind", "theirs"), RULES, ids=[f"{row[0]}-{len(row[1])}" for row in RULES])
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_rule_is_pytorchs(op, options, kind, theirs, decay):
    rule = UpdateRule(op, {"learning_rate": 0.1, **options}, decay=dict.fromkeys(WEIGHTS, decay))
    agree(rule, by_torch(kind, {"lr": 0.1, "weight_decay": decay, **theirs}))


def test_decoupled_decay_is_adamws():
    rule = UpdateRule("adam", {"learning_rate": 0.1, **BETAS}, decoupled=dict.fromkeys(WEIGHTS, 0.2))
    agree(rule, by_torch(optim.AdamW, {"lr": 0.1, "betas": (0.8, 0.99), "eps": 1e-3, "weight_decay": 0.2}))


def test_rprop_is_pytorchs():
    """Its numbers rest, shrink and grow in these steps."""
    sizes = {"eta_minus": 0.4, "eta_plus": 1.3, "smallest_step": 0.05, "largest_step": 0.12}
    rule = UpdateRule("rprop", {"learning_rate": 0.1, **sizes})
    agree(rule, by_torch(optim.Rprop, {"lr": 0.1, "etas": (0.4, 1.3), "step_sizes": (0.05, 0.12)}))


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_asgd_is_pytorchs(decay):
    options = {"learning_rate": 0.1, "rate_decay": 0.2, "power": 0.6}
    rule = UpdateRule("asgd", options, decay=dict.fromkeys(WEIGHTS, decay + 0.2))
    agree(rule, by_torch(optim.ASGD, {"lr": 0.1, "lambd": 0.2, "alpha": 0.6, "weight_decay": decay}))


def test_lion_steps_by_signs_of_what_is_not_kept():
    """Chen et al. 2023, algorithm 2, number by number."""
    options = {"learning_rate": 0.1, "beta_1": 0.6, "beta_2": 0.9}
    found = UpdateRule("lion", options, decoupled={"bias": 0.5}).after(WEIGHTS, GRADIENTS)[-1]["bias"]
    for at, start in enumerate(WEIGHTS["bias"]):
        weight, kept = start, 0.0
        for gradient in (float(given["bias"][at]) for given in GRADIENTS):
            step = 1.0 if 0.6 * kept + 0.4 * gradient > 0 else -1.0
            weight, kept = weight - 0.1 * (step + 0.5 * weight), 0.9 * kept + 0.1 * gradient
        assert np.isclose(found[at], weight, rtol=1e-13)


@pytest.mark.parametrize(
    ("limit", "clip"),
    [
        ({"global_clip_norm": 0.7}, lambda parameters: nn.utils.clip_grad_norm_(parameters, 0.7)),
        ({"clip_value": 0.3}, lambda parameters: nn.utils.clip_grad_value_(parameters, 0.3)),
        ({"clip_norm": 0.7}, lambda parameters: [nn.utils.clip_grad_norm_([each], 0.7) for each in parameters]),
    ],
    ids=["of all", "of each number", "of each array"],
)
def test_limits_are_pytorchs(limit, clip):
    found = by_torch(optim.SGD, {"lr": 0.1}, lambda parameters: clip(list(parameters)))
    rule = UpdateRule("sgd", {"learning_rate": 0.1, **limit})
    for ours, theirs in zip(rule.after(WEIGHTS, GRADIENTS), found, strict=True):
        for name, array in theirs.items():
            np.testing.assert_allclose(ours[name], array, rtol=0, atol=1e-6)  # PyTorch adds 1e-6 to the norm


def test_gradients_within_the_limits_stay():
    given = {"a": np.array([0.1, -0.2]), "b": np.zeros(2)}
    for limit in ("clip_value", "clip_norm", "global_clip_norm"):
        assert all(np.array_equal(each, given[name]) for name, each in limited(given, {limit: 1.0}).items())


def test_a_penalty_is_limited_and_a_decay_is_not():
    weights, gradients = {"a": np.array([2.0])}, [{"a": np.array([0.0])}]
    options = {"learning_rate": 1.0, "clip_value": 0.5}
    penalized = UpdateRule("sgd", options, penalty={"a": 1.0}).after(weights, gradients)
    decayed = UpdateRule("sgd", options, decay={"a": 1.0}).after(weights, gradients)
    assert (penalized[0]["a"][0], decayed[0]["a"][0]) == (1.5, 0.0)


def test_a_rate_within_momentum_shows_when_the_rate_changes():
    rates = {"learning_rate": 1.0, "learning_rates": [1.0, 0.1], "momentum": 0.5}
    weights, gradients = {"a": np.zeros(1)}, [{"a": np.ones(1)}] * 2
    inside, outside = (
        UpdateRule("sgd", {**rates, "rate_in_momentum": is_inside}).after(weights, gradients)
        for is_inside in (True, False)
    )
    assert np.isclose(inside[1]["a"][0], -1 - (0.5 * 1.0 + 0.1))
    assert np.isclose(outside[1]["a"][0], -1 - 0.1 * (0.5 + 1.0))


def test_adams_epsilon_may_be_added_before_the_correction():
    """Kingma and Ba 2015, section 2: the step size is corrected, and epsilon added to the root of the moment itself."""
    options = {"learning_rate": 0.1, **BETAS, "epsilon_is_added_to": "root"}
    (found,) = UpdateRule("adam", options).after(WEIGHTS, GRADIENTS[:1])
    for name, gradient in GRADIENTS[0].items():
        first, second = 0.2 * gradient, 0.01 * gradient**2
        size = 0.1 * np.sqrt(1 - 0.99) / (1 - 0.8)
        np.testing.assert_allclose(found[name], WEIGHTS[name] - size * first / (np.sqrt(second) + 1e-3), atol=1e-14)


def test_epsilon_may_be_added_before_the_root_is_taken():
    options = {"learning_rate": 0.1, "rho": 0.9, "epsilon": 1e-3, "epsilon_is_added_to": "square"}
    (found,) = UpdateRule("rmsprop", options).after(WEIGHTS, GRADIENTS[:1])
    for name, gradient in GRADIENTS[0].items():
        np.testing.assert_allclose(found[name], WEIGHTS[name] - 0.1 * gradient / np.sqrt(0.1 * gradient**2 + 1e-3))


def test_frozen_weights_stay_and_an_unknown_optimizer_takes_no_step():
    rule = UpdateRule("sgd", {"learning_rate": 0.1}, frozen=frozenset({"bias"}))
    after = rule.after(WEIGHTS, GRADIENTS)[-1]
    assert np.array_equal(after["bias"], WEIGHTS["bias"])
    assert not np.array_equal(after["kernel"], WEIGHTS["kernel"])
    assert UpdateRule("own", {}).after(WEIGHTS, GRADIENTS) == []
