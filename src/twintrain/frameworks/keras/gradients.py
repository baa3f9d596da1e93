"""What happens to gradients in Keras between loss and update rule; lists of one tensor a weight, given in one order.

Pure functions: what comes in is left as it is, and what changes nothing returns the same list.
"""

import keras
from keras import KerasTensor, ops

# Have more axes in Keras than in PyTorch.
NOT_KERNELS = ("bias", "alpha")


def penalize(
    gradients: list[KerasTensor], weights: list[keras.Variable | KerasTensor], l1: float, l2: float
) -> list[KerasTensor]:
    """Adds the gradient of the penalty l1·Σ|w| + l2/2·Σw², which is l1·sign(w) + l2·w, sign(0) being 0.

    Arrays of fewer than two axes (biases, norms) go free. It is the form of `weight_decay` in torch.optim; Keras's
    `kernel_regularizer=L2(λ)` is l2 = 2 λ, and its `L1(λ)` is l1 = λ.

    Args:
        gradients: of each weight's shape and dtype.
    """
    if not l1 and not l2:
        return gradients
    return [
        gradient + _slope(ops.convert_to_tensor(weight), l1, l2) if _is_kernel(weight) else gradient
        for gradient, weight in zip(gradients, weights, strict=True)
    ]


def clip(gradients: list[KerasTensor], norm: float | None, value: float | None) -> list[KerasTensor]:
    """Limits the norm of all gradients together, and then each number to −value … value; null: no limit.

    By norm, all are multiplied by norm / (‖g‖ + 1e-6), and by no more than 1, as torch.nn.utils.clip_grad_norm_ does.
    """
    if norm is not None:
        total = ops.sqrt(sum(ops.sum(ops.square(gradient)) for gradient in gradients))
        # On PyTorch, `ops.minimum` gives float32, whatever comes in; `ops.clip` does not.
        share = ops.clip(_constant(norm, total) / (total + _constant(1e-6, total)), *_constants((0.0, 1.0), total))
        gradients = [gradient * share for gradient in gradients]
    if value is not None:
        gradients = [ops.clip(gradient, *_constants((-value, value), gradient)) for gradient in gradients]
    return gradients


def _is_kernel(weight: keras.Variable | KerasTensor) -> bool:
    """Whether an array has two axes or more for us: in Keras, biases of a GRU and slopes of a PReLU have more."""
    return len(weight.shape) > 1 and getattr(weight, "name", "") not in NOT_KERNELS


def _slope(weight: KerasTensor, l1: float, l2: float) -> KerasTensor:
    return _constant(l1, weight) * ops.sign(weight) + _constant(l2, weight) * weight


def _constants(numbers: tuple[float, ...], like: KerasTensor) -> tuple[KerasTensor, ...]:
    return tuple(_constant(number, like) for number in numbers)


def _constant(number: float, like: KerasTensor) -> KerasTensor:
    """A number in a tensor's precision at once: on TensorFlow `ops.cast` would take it through float32."""
    return ops.convert_to_tensor(number, like.dtype)
