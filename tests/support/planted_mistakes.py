"""What is planted into ports, and what it is to be called.

The recordings are those of torch_planted.py and keras_planted.py, and of torch_trainings.py and keras_trainings.py.
"""

from typing import NamedTuple

UPDATE, LOSS, REGULARIZATION, TARGETS = "the update", "the loss", "the regularization", "the targets"
FORWARD, GRADIENTS, STATISTICS = "the forward pass", "the gradients", "the running statistics"


class Mistake(NamedTuple):
    """A mistake in one of two recordings.

    Attributes:
        planted: what it is, in words.
        ours: name of PyTorch's recording.
        theirs: name of Keras's.
        named: the short name that it is to be given.
        parts_in: what both part in first.
    """

    planted: str
    ours: str
    theirs: str
    named: str = ""
    parts_in: str = FORWARD


def _layer(network: str, planted: str, named: str) -> Mistake:
    return Mistake(planted, network, f"{network}-{planted}", named)


LAYERS = [
    _layer("images", "kernel transposed", "kernel transposed"),
    _layer("images", "kernel flipped", "kernel flipped"),
    _layer("images", "kernel's axes permuted", "kernel's spatial axes swapped"),
    _layer("images", "rows flattened in another order", "flattened in another order"),
    _layer("images", "same padding on the other side", "padding"),
    _layer("images", "another amount of padding", "padding"),
    _layer("images", "average pooling that counts padding", "count_include_pad"),
    _layer("pools", "stride", "strides and padding"),
    _layer("images", "dilation", "padding and dilation"),
    _layer("pools", "ceil mode", "padding"),
    _layer("images", "epsilon of batch norm", "epsilon"),
    _layer("groups", "epsilon of group norm", "epsilon"),
    _layer("groups", "epsilon of layer norm", "epsilon"),
    _layer("images", "training mode instead of inference", "training"),
    _layer("images", "tanh GELU", "approximate"),
    _layer("images", "slope of leaky ReLU", "negative_slope"),
    _layer("activations", "slope of ELU", "alpha"),
    _layer("activations", "hard swish", "another operation"),
    _layer("activations", "hard sigmoid of Keras 2", "scaled"),
    _layer("images", "ReLU for ReLU6", "another operation"),
    _layer("images", "a missing bias", "bias missing"),
    _layer("lstm", "gates in another order", "gates in another order"),
    _layer("lstm", "forget gate at one", "forget bias"),
    _layer("lstm", "hard sigmoid of gates", "recurrent_activation"),
    _layer("lstm", "all steps instead of the last", "layer missing"),
    _layer("gru", "second bias", "recurrent_bias missing"),
    _layer("gru", "reset_after", "recurrent_bias missing and reset_after"),
    _layer("attention", "attention unscaled", "attention scale"),
    _layer("attention", "heads in another order", "head order"),
    _layer("attention", "a causal mask", "mask"),
    _layer("enlarged_aligned", "interpolation aligned at the corners", "align_corners"),
    _layer("chosen", "softmax twice", "layer missing"),
    _layer("chosen", "dropout left on", "dropout"),
    _layer("images", "rows in another order", "rows in another order"),
    _layer("images", "rows scaled", "scaled"),
    _layer("images", "BGR", "channels reversed"),
]
TRAININGS = [
    Mistake("(N, 1) against (N,) in the loss", "one_broadcast", "one", "broadcast in the loss", LOSS),
    Mistake("cross entropy summed", "summed", "plain", "reduction", LOSS),
    Mistake("squares summed", "mse_summed", "mse", "reduction", LOSS),
    Mistake("squares averaged over the rows alone", "mse_by_rows", "mse", "reduction", LOSS),
    Mistake("squares summed over the rows", "mse", "mse_summed", "reduction", LOSS),
    Mistake("label smoothing", "smoothed", "plain", "label smoothing", LOSS),
    Mistake("label smoothing in Keras", "one_hot", "smoothed", "label smoothing", LOSS),
    Mistake("class weights", "weighted", "plain", "class weights", LOSS),
    Mistake("softmax before a loss of logits", "softmax_twice", "probabilities", "softmax twice", LOSS),
    Mistake("another loss", "mae", "mse", "another loss", LOSS),
    Mistake("delta of Huber's loss", "huber_delta", "huber", "delta", LOSS),
    Mistake("targets shuffled", "shuffled_targets", "plain", "targets in another order", TARGETS),
    Mistake("targets scaled", "scaled_targets", "mse", "targets scaled", TARGETS),
    Mistake("rows shuffled with their targets", "shuffled_rows", "plain", "rows in another order", FORWARD),
    Mistake("gradients doubled", "loud", "plain", "gradients scaled", GRADIENTS),
    Mistake("a layer that is not trained", "untrained", "plain", "not trained", GRADIENTS),
    Mistake("L2 in Keras alone", "plain", "l2", "weight decay missing", REGULARIZATION),
    Mistake("L2 and its factor 2", "kernels_decayed_half", "l2", "factor 2 of L2", REGULARIZATION),
    Mistake("decay on biases", "decayed", "l2", "decay on biases", REGULARIZATION),
    Mistake("L2 without optimizer", "gradients_alone", "l2_gradients_alone", "penalty", REGULARIZATION),
    Mistake("weight decay in PyTorch alone", "decayed", "plain", "weight decay missing", UPDATE),
    Mistake("weight decay, decoupled or not", "adam_decayed", "adamw", "decoupled weight decay", UPDATE),
    Mistake("learning rate", "slower", "plain", "learning rate", UPDATE),
    Mistake("a schedule of learning rates", "plain", "decreasing", "learning rate schedule", UPDATE),
    Mistake("momentum", "plain", "momentum", "momentum", UPDATE),
    Mistake("Nesterov's momentum", "momentum", "nesterov", "nesterov", UPDATE),
    Mistake("another optimizer", "plain", "adam", "another optimizer", UPDATE),
    Mistake("Adam's first beta", "adam_beta_1", "adam", "beta_1", UPDATE),
    Mistake("Adam's second beta", "adam_beta_2", "adam", "beta_2", UPDATE),
    Mistake("Adam's epsilon", "adam_epsilon", "adam_epsilon", "where epsilon is added and epsilon", UPDATE),
    Mistake("RMSprop's epsilon", "rmsprop_epsilon", "rmsprop_epsilon", "where epsilon is added", UPDATE),
    Mistake("centered RMSprop", "rmsprop", "rmsprop_centered", "centered", UPDATE),
    Mistake("Adagrad from zero", "adagrad_from_zero", "adagrad", "initial accumulator value", UPDATE),
    Mistake("clipping of all", "plain", "clipped", "clipping", UPDATE),
    Mistake("clipping per array", "plain", "clipped_by_array", "clipping", UPDATE),
    Mistake("clipping by value", "plain", "clipped_by_value", "clipping", UPDATE),
    Mistake("clipping of arrays of which samples are kept", "wide", "wide_clipped", "clipping", UPDATE),
    Mistake("two biases of an LSTM", "recurrent", "recurrent", "second bias", UPDATE),
    Mistake("biased variance", "norm", "norm", "biased variance", STATISTICS),
    Mistake(
        "momentum of batch norm", "norm_momentum", "norm", "momentum of statistics and biased variance", STATISTICS
    ),
    Mistake(
        "frozen batch norm still updating",
        "norm_frozen",
        "norm_frozen",
        "frozen batch norm updates",
        "the forward pass in training mode",
    ),
]
NETWORKS = "images pools groups activations enlarged chosen lstm gru attention"
RIGHT_LAYERS = [Mistake(name, name, f"{name}-{name}") for name in NETWORKS.split()]
NAMES = (
    "plain gradients_alone momentum nesterov adam adamw amsgrad rmsprop rmsprop_momentum rmsprop_centered adagrad "
    "adadelta adamax nadam smoothed mse one mae huber binary binary_shares kl untrained wide"
)
RIGHT_TRAININGS = [Mistake(name, name, name) for name in NAMES.split()]
