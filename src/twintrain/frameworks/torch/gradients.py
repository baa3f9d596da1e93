"""What happens to gradients in PyTorch between loss and update rule; lists of one tensor a weight, given in one order.

Pure functions: what comes in is left as it is, and what changes nothing returns the same list.
"""

import torch


def penalize(gradients: list[torch.Tensor], weights: list[torch.Tensor], l1: float, l2: float) -> list[torch.Tensor]:
    """Adds the gradient of the penalty l1·Σ|w| + l2/2·Σw², which is l1·sign(w) + l2·w, sign(0) being 0.

    Arrays of fewer than two axes (biases, norms) go free. It is the form of `weight_decay` in torch.optim; Keras's
    `kernel_regularizer=L2(λ)` is l2 = 2 λ, and its `L1(λ)` is l1 = λ.

    Args:
        gradients: of each weight's shape and dtype.
    """
    if not l1 and not l2:
        return gradients
    return [
        gradient + _slope(weight.detach(), l1, l2) if weight.ndim > 1 else gradient
        for gradient, weight in zip(gradients, weights, strict=True)
    ]


def clip(gradients: list[torch.Tensor], norm: float | None, value: float | None) -> list[torch.Tensor]:
    """Limits the norm of all gradients together, and then each number to −value … value; null: no limit.

    By norm, all are multiplied by norm / (‖g‖ + 1e-6), and by no more than 1, as torch.nn.utils.clip_grad_norm_ does.
    """
    if norm is not None:
        total = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(gradient) for gradient in gradients]))
        share = torch.clamp(norm / (total + 1e-6), max=1.0)
        gradients = [gradient * share for gradient in gradients]
    if value is not None:
        gradients = [torch.clamp(gradient, -value, value) for gradient in gradients]
    return gradients


def _slope(weight: torch.Tensor, l1: float, l2: float) -> torch.Tensor:
    return l1 * torch.sign(weight) + l2 * weight
