"""Schedules that are held against torch.optim.lr_scheduler, and the training that they are asked about."""

from twintrain.settings.sections.optimizers import Schedule

RATE = 0.2
EPOCHS = 16
STEPS = 5
# Falls by more and by less than 0.01 and 0.001, stays, and rises.
VAL_LOSSES = [1.0, 0.9, 0.895, 0.894, 0.8945, 0.8935, 0.8936, 0.7, 0.7, 0.71, 0.6995, 0.8, 0.65, 0.65, 0.66, 0.67]

CASES = {
    "constant": Schedule(name="constant"),
    "constant, warmup": Schedule(name="constant", warmup=7),
    "warmup of one step": Schedule(name="constant", warmup=1),
    "step": Schedule(name="step", step_size=3, gamma=0.5),
    "step, warmup": Schedule(name="step", step_size=1, gamma=0.7, warmup=8),
    "exponential": Schedule(name="exponential"),
    "exponential, warmup": Schedule(name="exponential", gamma=0.8, warmup=12),
    "cosine": Schedule(name="cosine"),
    "cosine to a minimum": Schedule(name="cosine", minimum=0.05),
    "cosine, warmup": Schedule(name="cosine", warmup=10),
    "one_cycle": Schedule(name="one_cycle"),
    "one_cycle, options": Schedule(name="one_cycle", pct_start=0.45, div_factor=4.0, final_div_factor=10.0),
    "one_cycle without a rise": Schedule(name="one_cycle", pct_start=0.0),
    "one_cycle that only rises": Schedule(name="one_cycle", pct_start=1.0),
    "plateau": Schedule(name="plateau", patience=1),
    "plateau without patience": Schedule(name="plateau", factor=0.5, patience=0, min_delta=0.01),
    "plateau to a minimum": Schedule(name="plateau", factor=0.3, patience=0, min_delta=0.001, minimum=0.01),
    "plateau, small steps": Schedule(name="plateau", factor=0.01, patience=0, min_delta=1.0),
}
