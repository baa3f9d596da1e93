"""Learning rates against torch.optim.lr_scheduler, in a process of its own, and against values worked out by hand."""

import numpy as np
import pytest
from schedule_cases import CASES, EPOCHS, RATE, STEPS, VAL_LOSSES
from worker_process import run_worker

from twintrain.settings.sections.optimizers import SCHEDULES, Schedule
from twintrain.training.schedule import learning_rates


@pytest.fixture(scope="module")
def torch_rates(tmp_path_factory):
    out = tmp_path_factory.mktemp("schedules") / "rates.npz"
    run_worker("schedule_worker.py", out)
    return dict(np.load(out))


def all_rates(schedule, rate=RATE, epochs=EPOCHS, steps=STEPS, val_losses=VAL_LOSSES):
    return np.concatenate(
        [learning_rates(schedule, rate, epoch, epochs, steps, val_losses[:epoch]) for epoch in range(epochs)]
    )


def test_every_schedule_is_a_case():
    assert {schedule.name for schedule in CASES.values()} == SCHEDULES.keys()


@pytest.mark.parametrize("case", CASES)
def test_rates_are_those_of_pytorch(case, torch_rates):
    rates = all_rates(CASES[case])
    assert (rates.dtype, rates.shape) == (np.float64, (EPOCHS * STEPS,))
    np.testing.assert_allclose(rates, torch_rates[case], rtol=1e-12, atol=0)


@pytest.mark.parametrize("case", CASES)
def test_later_losses_are_not_looked_at(case):
    whole = np.concatenate([learning_rates(CASES[case], RATE, epoch, EPOCHS, STEPS, VAL_LOSSES) for epoch in range(4)])
    np.testing.assert_array_equal(whole, all_rates(CASES[case])[: 4 * STEPS])


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (Schedule(), [1, 1, 1, 1, 1, 1, 1, 1]),
        (Schedule(warmup=4), [0.25, 0.5, 0.75, 1, 1, 1, 1, 1]),
        (Schedule(name="step", step_size=1, gamma=0.5), [1, 1, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125]),
        (Schedule(name="step", step_size=2, gamma=0.1), [1, 1, 1, 1, 0.1, 0.1, 0.1, 0.1]),
        (Schedule(name="exponential", gamma=0.5), [1, 1, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125]),
        # (1 + cos(π s / 8)) / 2 at s = 0, 2, 4, 6, and the numbers between
        (
            Schedule(name="cosine"),
            [1, 0.961939766, 0.853553391, 0.691341716, 0.5, 0.308658284, 0.146446609, 0.038060234],
        ),
        (
            Schedule(name="cosine", minimum=1.0),
            [1, 1, 1, 1, 1, 1, 1, 1],
        ),
        # Up to step 3 (0.5 · 8 − 1), down to step 7
        (
            Schedule(name="one_cycle", pct_start=0.5, div_factor=2.0, final_div_factor=2.0),
            [0.5, 0.625, 0.875, 1, 0.890165043, 0.625, 0.359834957, 0.25],
        ),
        # The third loss is the first that is no better, the fourth the second.
        (Schedule(name="plateau", patience=0, factor=0.5), [1, 1, 1, 1, 1, 1, 0.5, 0.5]),
        (Schedule(name="plateau", patience=1, factor=0.5), [1, 1, 1, 1, 1, 1, 1, 1]),
    ],
)
def test_rates_are_those_worked_out_by_hand(schedule, expected):
    np.testing.assert_allclose(all_rates(schedule, 1.0, 4, 2, [3.0, 2.0, 2.0, 2.0]), expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_shortest_training_has_a_rate(name):
    rates = all_rates(Schedule(name=name), 1.0, 1, 1)
    assert np.isfinite(rates).all()
    assert 0 < rates[0] <= 1


def test_one_cycle_whose_rise_is_one_step_starts_at_the_top():
    # OneCycleLR divides by zero here.
    assert all_rates(Schedule(name="one_cycle", pct_start=0.5), 1.0, 1, 2)[0] == 1.0
