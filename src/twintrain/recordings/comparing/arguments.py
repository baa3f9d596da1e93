"""The inputs of a call in one order, where the frameworks take them in two."""

from twintrain.recordings.archive import Recording
from twintrain.recordings.contents import Call


def in_one_order(recording: Recording, call: Call) -> Call:
    """The call with the inputs of attention as query, key and value, then masks; any other as it is.

    Keras takes the value before the key, and for the key too if there is none.
    """
    if call.op != "attention" or recording.framework != "keras" or len(call.inputs) < 2:
        return call
    query, value, *rest = call.inputs
    shapes = [recording.tensors[number].shape for number in call.inputs]
    # A mask (rows, times, times) has another last axis than features, but where there are as many of both.
    has_key = len(shapes) > 2 and len(shapes[2]) == 3 and shapes[2] == shapes[1]
    key, masks = (rest[0], rest[1:]) if has_key else (value, rest)
    return call._replace(inputs=[query, key, value, *masks])
