"""What PyTorch calls the arrays of its recurrent and attention layers, by our words; PyTorch is not imported for it."""

# By role: the beginning of a name, which ends with layer and direction, and the axes.
RECURRENT_ARRAYS = (
    ("kernel", "weight_ih", "OI"),
    ("recurrent_kernel", "weight_hh", "OI"),
    ("bias", "bias_ih", "C"),
    ("recurrent_bias", "bias_hh", "C"),
)
ATTENTION_ARRAYS = {
    "qkv_kernel": "in_proj_weight",
    "query_kernel": "q_proj_weight",
    "key_kernel": "k_proj_weight",
    "value_kernel": "v_proj_weight",
    "qkv_bias": "in_proj_bias",
    "output_kernel": "out_proj.weight",
    "output_bias": "out_proj.bias",
}
