"""What the course says, and what comes out: python -m examples.course.statements OUT.json

Code is run as it stands there, in PyTorch, the framework that it is written for; statements are computed with NumPy
or asked of PyTorch. The other framework does not come into this process.
"""

import copy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import skew
from torch import nn
from torch.nn import functional
from torchvision import transforms

from twintrain.system import project

# What was written or said, what comes out, what is right.
Row = tuple[str, str, str]
GATE_ROWS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float64)


def code() -> list[Row]:
    """Lines that stop with an error, and those that do something else than they seem to."""
    model, pixels = nn.Linear(2, 2), np.zeros((28, 28), np.uint8)
    kept = copy.deepcopy(model.state_dict)
    history, batches = [], torch.arange(40.0).view(4, 10).split(2)
    rows = [row for batch in batches for row in batch]
    feature_map = nn.Flatten()(nn.Conv2d(8, 16, 3)(nn.Conv2d(1, 8, 3)(torch.zeros(1, 1, 28, 28))))
    return [
        (
            "`nn.Linear(10)`",
            said(lambda: nn.Linear(10)),
            f"`nn.Linear({feature_map.shape[1]}, 10)`, or `nn.LazyLinear(10)`",
        ),
        (
            "`transforms.Compose([transforms.ToTensor])`, when an image is asked for",
            said(lambda: transforms.Compose([transforms.ToTensor])(pixels)),
            "`transforms.ToTensor()`",
        ),
        (
            "`best = deepcopy(model.state_dict)`, when it is loaded",
            said(lambda: model.load_state_dict(kept)),
            "`deepcopy(model.state_dict())`",
        ),
        ("`history += loss` on a list and a number", said(lambda: history.__iadd__(0.5)), "`history.append(loss)`"),
        (
            "`torch.cat(rows, dim=0)` of 4 rows of 10",
            f"shape {tuple(torch.cat(rows, dim=0).shape)}, argmax {torch.cat(rows, dim=0).argmax(dim=-1)}",
            f"`torch.stack(rows)`: shape {tuple(torch.stack(rows).shape)}, "
            f"argmax {torch.stack(rows).argmax(dim=-1).tolist()}",
        ),
        (
            "`nn.Linear(in_featuers=1, out_features=1)`",
            said(lambda: nn.Linear(in_featuers=1, out_features=1)),
            "`in_features`",
        ),
    ]


def losses_and_activations() -> list[Row]:
    """Statements about losses and activation functions."""
    probability, label = torch.tensor([0.9]), torch.tensor([1.0])
    scores = torch.tensor([[2.0, -1.0, 0.5]])
    log_probabilities = functional.log_softmax(scores, dim=1)
    target = torch.tensor([0])
    negative = torch.tensor(-1.0)
    return [
        (
            "BCELoss applies a softmax first",
            f"BCELoss of probability 0.9 for label 1: {nn.BCELoss()(probability, label):.4f}; "
            f"the softmax of one number is always {torch.softmax(probability, 0).item():.0f}",
            f"it takes probabilities as they are: −ln 0.9 = {-np.log(0.9):.4f}; BCEWithLogitsLoss applies a sigmoid",
        ),
        (
            "the loss is smallest where the loss is 1, for label 1, and 0, for label 0",
            "−ln ŷ at ŷ = 1, and −ln (1 − ŷ) at ŷ = 0: "
            f"{nn.BCELoss()(torch.ones(1), torch.ones(1)):.0f} and {nn.BCELoss()(torch.zeros(1), torch.zeros(1)):.0f}",
            "it is the prediction that should be 1, or 0; the loss is smallest at 0",
        ),
        (
            "NLLLoss gives rare classes a higher weight",
            f"NLLLoss of log-probabilities: {nn.NLLLoss()(log_probabilities, target):.4f}, "
            f"CrossEntropyLoss of the logits: {nn.CrossEntropyLoss()(scores, target):.4f}",
            "it is minus the log-probability of the label; class weights are the option `weight` of both",
        ),
        (
            "`log_softmax` at the end of the network; then CrossEntropyLoss?",
            f"{nn.CrossEntropyLoss()(log_probabilities, target):.4f}, as without",
            "harmless: the logarithm of a softmax is its own log_softmax; a *softmax* is not",
        ),
        (
            "α = 1 is ELU, any other α is SELU",
            f"at −1: ELU with α = 1 {functional.elu(negative):.4f}, with α = 1.6733 "
            f"{functional.elu(negative, 1.6732632423543772):.4f}, SELU {functional.selu(negative):.4f}; "
            f"at +1: ELU {functional.elu(-negative):.4f}, SELU {functional.selu(-negative):.4f}",
            "ELU may have any α; SELU is λ · ELU with α = 1.6733 and λ = 1.0507 fixed, and bends positive numbers too",
        ),
        (
            "the derivative of ReLU at 0 is 1",
            f"PyTorch takes {slope(functional.relu, 0.0):.0f}",
            "there is none at 0, and any number from 0 to 1 would do",
        ),
        (
            "LeakyReLU gives a very small number, such as 0.001, for a negative one",
            f"of −100, with a = 0.01: {functional.leaky_relu(100 * negative, 0.01):.2f}",
            "it gives a · x: small is the slope, as the formula there has it",
        ),
        (
            "ReLU6 needs 3 bits only",
            f"relu6 of 2.5 and 2.75: {functional.relu6(torch.tensor(2.5)):.2f} and "
            f"{functional.relu6(torch.tensor(2.75)):.2f}; 3 bits tell {2**3} values apart",
            "3 bits hold the whole part; the fraction needs its own",
        ),
        (
            "tanh solves the problem of the zero-centred output because its derivative is 4 times the sigmoid's",
            f"derivatives at 0: tanh {slope(torch.tanh, 0.0):.2f}, sigmoid {slope(torch.sigmoid, 0.0):.2f}; "
            f"means over −3 … 3: {torch.tanh(torch.linspace(-3, 3, 61)).mean().abs():.2f} and "
            f"{torch.sigmoid(torch.linspace(-3, 3, 61)).mean():.2f}",
            "4 times is right, and helps against the vanishing gradient; zero-centred is its range, −1 to 1",
        ),
    ]


def optimizers() -> list[Row]:
    """Statements about optimizers and the perceptron's loss."""
    weight = torch.zeros(1, requires_grad=True)
    down, up = torch.optim.Rprop([weight]).defaults["etas"]
    few, many = perceptron_loss([-5.0]), perceptron_loss([-0.1, -0.1, -0.1])
    return [
        (
            "Rprop multiplies a step by 0 < μ < 1 while the sign stays, by −1 < μ < 0 when it changes",
            f"with 0.5 while it stays, all steps from 0.01 on add up to {sum(0.01 * 0.5**n for n in range(200)):.2f}",
            f"PyTorch's factors: {up} while the sign of the *gradient* stays, {down} when it changes; "
            "no factor is negative, and `lr` is the first step",
        ),
        (
            "the perceptron's loss always grows with the number of wrong rows",
            f"one row wrong by 5: {few:.1f}; three rows wrong by 0.1 each: {many:.1f}",
            "it adds up by how much rows are wrong, not how many",
        ),
        (
            "every update lowers the loss",
            f"w² from w = 1: {descended(0.4):.2f} after a step of rate 0.4, {descended(1.5):.2f} after one of rate 1.5",
            "only with a rate that is small enough",
        ),
    ]


def arithmetic() -> list[Row]:
    """Figures and formulas."""
    first, second = torch.tensor([1, 2, 3]), torch.tensor([3, 2, 9])
    single, double = torch.ones(2), torch.ones(2, dtype=torch.float64)
    gradient = 0.00080888
    skewed = np.random.default_rng(0).exponential(size=100_000)
    normalised = nn.functional.batch_norm(torch.from_numpy(skewed)[:, None], None, None, training=True)[:, 0].numpy()
    inputs, weights = np.array([1.0, 2.0]), np.array([[10.0, 20.0], [30.0, 40.0]])
    return [
        (
            "v = [1, 2, 3], w = [3, 2, 9], w − v = [1, 2, 3]",
            str((second - first).tolist()),
            "[2, 0, 6]",
        ),
        (
            "backpropagation by hand: W₁ after the step is 0.1 − 0.5 × 0.00080888 = 0.29959556",
            f"{0.1 - 0.5 * gradient:.8f}",
            f"0.3 − 0.5 × 0.00080888 = {0.3 - 0.5 * gradient:.8f}",
        ),
        (
            "there, the error is 1/9 of the squares where it is differentiated",
            f"{sum((np.array([0.4, 0.6]) - [0.60944600, 0.66384491]) ** 2) / 9:.8f}",
            f"half of them: {sum((np.array([0.4, 0.6]) - [0.60944600, 0.66384491]) ** 2) / 2:.8f}",
        ),
        (
            "weights 1, 1 and bias −1 make an AND gate, if the output is 1 from 0 on (≥ 0)",
            str((GATE_ROWS @ [1.0, 1.0] - 1.0 >= 0).astype(int).tolist()),
            f"above 0 (> 0), as the code has it: {(GATE_ROWS @ [1.0, 1.0] - 1.0 > 0).astype(int).tolist()}",
        ),
        (
            "z₁ = a₁w₁₁ + a₂w₁₂ is the first entry of (a₁ a₂) · (w₁₁ w₁₂; w₂₁ w₂₂)",
            f"a = (1, 2), w = (10 20; 30 40): the product begins with {(inputs @ weights)[0]:.0f}, "
            f"z₁ is {inputs @ weights[0]:.0f}",
            f"with w transposed: {(inputs @ weights.T)[0]:.0f}; `nn.Linear` keeps (outputs, inputs) and transposes",
        ),
        (
            "FloatTensor and DoubleTensor cannot be added",
            str((single + double).dtype),
            f"they can (since PyTorch 1.3); it is matrix products that refuse: {said(lambda: nn.Linear(2, 2)(double))}",
        ),
        (
            "`torch.randn` gives random whole numbers",
            str([round(number, 4) for number in torch.randn(3, generator=torch.Generator().manual_seed(0)).tolist()]),
            "numbers of the normal distribution; `torch.randint` gives whole ones",
        ),
        (
            "batch normalisation makes a batch follow a Gaussian",
            f"skewness of 100,000 exponential numbers before and after: {skew(skewed):.2f} and {skew(normalised):.2f} "
            "(a Gaussian has 0)",
            "mean 0 and variance 1; the shape of the distribution stays",
        ),
    ]


def perceptron_loss(scores: list[float]) -> float:
    """The sum of −y·s over the rows that are wrong, for scores y·s below 0."""
    return -sum(scores)


def descended(rate: float) -> float:
    """w² after one step of gradient descent from w = 1."""
    return (1.0 - rate * 2.0) ** 2


def slope(function: Callable[[torch.Tensor], torch.Tensor], at: float) -> float:
    """The derivative that PyTorch gives."""
    point = torch.tensor(at, requires_grad=True)
    function(point).backward()
    return point.grad.item()


def said(call: Callable[[], Any]) -> str:
    """The error that a call ends in, on one line; an answer would be a mistake of ours."""
    try:
        answer = call()
    except (TypeError, RuntimeError) as error:
        return f"{type(error).__name__}: {' '.join(str(error).split())}"
    raise AssertionError(f"expected an error, got {answer}")


TABLES = (code, losses_and_activations, optimizers, arithmetic)


if __name__ == "__main__":
    project.write_json(Path(sys.argv[1]), {table.__name__: table() for table in TABLES})
