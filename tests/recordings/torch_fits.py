"""Trainings in PyTorch: each is recorded into a file and returns facts."""

import copy
import functools

import numpy as np
import torch
from recorded_fits import (
    ARRAYS,
    CLASSES,
    IMAGES,
    MOMENTUM,
    NUMBERS,
    RATE,
    STEPS,
    TABLE,
    WORDS,
    broken_loops,
    loops,
    rows_of,
    said,
)
from torch import nn
from torch.nn import functional as F
from torch_scenarios import everything

from twintrain.recordings.record import record
from twintrain.recordings.torch import losses, optimizers

OPTIMIZERS = (
    "SGD",
    "Adam",
    "AdamW",
    "RMSprop",
    "Adagrad",
    "Adadelta",
    "Adamax",
    "NAdam",
    "RAdam",
    "Rprop",
    "ASGD",
    "LBFGS",
)
PIXELS = np.moveaxis(IMAGES, -1, 1).copy()


class TwoOutputs(nn.Module):
    def __init__(self):
        super().__init__()
        self.classes, self.numbers = nn.Linear(4, 3), nn.Linear(4, 3)

    def forward(self, values):
        return {"classes": self.classes(values), "numbers": self.numbers(values)}


class DropPath(nn.Module):
    """Drops whole rows, as those of others do."""

    def forward(self, values):
        return values * torch.rand(len(values), 1, 1) if self.training else values


class Dropped(nn.Module):
    """Drops numbers in every way that there is."""

    def __init__(self, rate):
        super().__init__()
        torch.manual_seed(3)
        self.rate, self.drop, self.noise = rate, nn.Dropout(rate), nn.AlphaDropout(rate)
        self.lstm = nn.LSTM(4, 4, num_layers=2, dropout=rate, batch_first=True)
        self.attention = nn.MultiheadAttention(4, 2, dropout=rate, batch_first=True)
        self.path = DropPath()
        self.last = nn.Linear(4, 3)

    def forward(self, values):
        values, _ = self.lstm(self.drop(values))
        values = values + self.attention(values, values, values)[0]
        values = values + F.scaled_dot_product_attention(values, values, values, None, self.rate)
        values = self.path(self.noise(F.dropout(values, self.rate, self.training)))
        return self.last(values[:, -1])


def small():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(4, 3, 3), nn.BatchNorm2d(3), nn.ReLU(inplace=True), nn.Dropout(0.5), nn.Flatten(), nn.Linear(36, 3)
    )


def dense():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3))


def sgd(parameters):
    return torch.optim.SGD(parameters, lr=RATE, momentum=MOMENTUM)


def twin(path):
    model = dense()
    with torch.no_grad():
        for parameter, array in zip(model.parameters(), ARRAYS, strict=True):
            parameter.copy_(torch.from_numpy(array.T))
    record(model, TABLE, CLASSES, to=path, loss=nn.CrossEntropyLoss(), optimizer=sgd(model.parameters()), steps=STEPS)


def chain(path):
    model = small()
    record(model, PIXELS, CLASSES, to=path, loss=F.cross_entropy, optimizer=sgd, steps=STEPS)
    model[3].p = 0.0
    optimizer, arrays, losses = sgd(model.train().parameters()), {}, []
    for step in range(1, 4):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(torch.from_numpy(PIXELS).float()), torch.from_numpy(CLASSES))
        loss.backward()
        if step == 1:
            arrays |= {f"gradient/{name}": each.grad.numpy().copy() for name, each in model.named_parameters()}
        optimizer.step()
        losses.append(loss.item())
        if step in STEPS:
            state = {name: each for name, each in model.state_dict().items() if each.is_floating_point()}
            arrays |= {f"step/{step}/{name}": each.numpy().copy() for name, each in state.items()}
    np.savez(path.with_name("by_hand.npz"), losses=losses, **arrays)


def loss_alone(path):
    model = dense()
    model[0].bias.grad = torch.ones(5)
    record(model, TABLE, NUMBERS, to=path, loss=nn.MSELoss(), steps=(5,))
    return [model[0].bias.grad.tolist() == [1.0] * 5, model[0].weight.grad is None]


def two_outputs(path):
    def loss(outputs, targets):
        classes = F.cross_entropy(outputs["classes"], targets["classes"])
        return classes + F.mse_loss(outputs["numbers"], targets["numbers"])

    torch.manual_seed(0)
    targets = {"classes": CLASSES, "numbers": NUMBERS}
    record(TwoOutputs(), TABLE, targets, to=path, loss=loss, optimizer=torch.optim.Adam)


def frozen(path):
    model = dense()
    model[0].requires_grad_(False)
    groups = [{"params": [model[2].weight], "weight_decay": 0.1}, {"params": [model[2].bias], "weight_decay": 0.0}]
    record(model, TABLE, CLASSES, to=path, loss=nn.CrossEntropyLoss(), optimizer=torch.optim.AdamW(groups, lr=RATE))


def dropped(path):
    rows = TABLE.reshape(6, 1, 4).repeat(3, axis=1)
    model = Dropped(0.5)
    record(model, rows, CLASSES, to=path, loss=F.cross_entropy)
    model.rate = 0.0
    return F.cross_entropy(model.eval()(torch.from_numpy(rows).float()), torch.from_numpy(CLASSES)).item()


def narrow_loss(path):
    record(dense(), TABLE, CLASSES, to=path, loss=lambda outputs, y: F.cross_entropy(outputs.float(), y))


def tokens(path):
    model = nn.Sequential(nn.Embedding(7, 3, sparse=True), nn.Flatten(), nn.Linear(15, 3))
    record(model, WORDS, CLASSES, to=path, loss=F.cross_entropy, optimizer=sgd)


def state(path):
    model = small()
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1)
    # A graph that is kept alive holds on to the precision of the weights.
    loss = F.cross_entropy(model(torch.from_numpy(PIXELS).float()), torch.from_numpy(CLASSES))
    loss.backward()
    optimizer.step()
    schedule.step()

    def now():
        gradients = {name: each.grad.tolist() for name, each in model.named_parameters()}
        return everything(model), repr(optimizer.state_dict()), repr(schedule.state_dict()), gradients

    before, precise = now(), copy.deepcopy(model)
    how = {"loss": F.cross_entropy, "optimizer": optimizer, "steps": STEPS}
    recording = record(model, PIXELS, CLASSES, to=path, **how)
    after = [now() == before, recording.left_out == {}]
    how["optimizer"] = torch.optim.Adam(precise.parameters(), lr=optimizer.param_groups[0]["lr"])
    other = record(precise, PIXELS, CLASSES, to=path, **how)
    found = [each.losses("float64").tolist() for each in (recording, other)]
    said(model, path, x=PIXELS, loss=lambda *_: 1 / 0, optimizer=optimizer)
    return [*after, found[0] == found[1], now() == before, *(trains(kind, path) for kind in OPTIMIZERS)]


def trains(kind, path):
    """Whether such an optimizer trains anew in all passes, with hooks that it has."""
    called, model = [], dense()
    optimizer = getattr(torch.optim, kind)(model.parameters(), lr=0.01)
    optimizer.register_step_pre_hook(lambda *_: called.append(1))
    with torch.inference_mode():
        how = {"loss": F.cross_entropy, "optimizer": optimizer, "steps": (2,)}
        recording = record(model, TABLE, CLASSES, to=path, **how)
    losses = recording.losses("float64")
    return losses[1] < losses[0] and len(called) == 8


def errors(path):
    entropy = nn.CrossEntropyLoss()
    hollow = NUMBERS.copy()
    hollow[2, 1] = np.nan
    return {
        "no loss": said(dense(), path),
        "no y": said(dense(), path, y=None, loss=entropy),
        "optimizer alone": said(dense(), path, y=None, optimizer=sgd),
        "other rows": said(dense(), path, y=CLASSES[:4], loss=entropy),
        "NaN in y": said(dense(), path, y=hollow, loss=nn.MSELoss()),
        "no scalar": said(dense(), path, loss=nn.CrossEntropyLoss(reduction="none")),
        "NaN from the start": said(dense(), path, loss=lambda outputs, _: outputs.sum() * torch.nan),
        "no loss at all": said(dense(), path, loss=3),
        "loss raises": said(dense(), path, y=NUMBERS.astype(int), loss=lambda outputs, y: y / "a\nb"),
        "no optimizer": said(dense(), path, loss=entropy, optimizer=3),
        "steps fall": said(dense(), path, loss=entropy, optimizer=sgd, steps=(3, 1)),
        "steps of nothing": said(dense(), path, loss=entropy, optimizer=sgd, steps=()),
        "step 0": said(dense(), path, loss=entropy, optimizer=sgd, steps=(0, 1)),
        "steps are no numbers": said(dense(), path, loss=entropy, optimizer=sgd, steps=5),
        "other weights": said(dense(), path, loss=entropy, optimizer=sgd(dense().parameters())),
        "no weights": said(dense(), path, loss=lambda outputs, _: outputs.detach().sum()),
        "makes no optimizer": said(dense(), path, loss=entropy, optimizer=lambda _: 3),
        "optimizer raises": said(dense(), path, loss=entropy, optimizer=lambda _: 1 / 0),
    }


def loop(path):
    return [loops(path, run), *broken_loops(path, dense())]


def run():
    model, entropy = small().train(), nn.CrossEntropyLoss()
    optimizer = sgd(model.parameters())
    torch.manual_seed(1)

    def told(r):
        seen, losses = {"before": model[0].weight.detach().numpy().copy()}, []
        for step in range(4):
            x, y = torch.from_numpy(PIXELS[rows_of(step)]).float(), torch.from_numpy(CLASSES[rows_of(step)])
            r.batch(x, y)
            outputs = model(x)
            loss = entropy(outputs, y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            r.loss(loss)
            r.step()
            losses.append(loss.item())
            if step == 0:
                seen |= {"prediction": outputs.detach().numpy(), "gradient": model[0].weight.grad.numpy().copy()}
            if step == 2:
                seen["after 3"] = model[0].weight.detach().numpy().copy()
        return {**seen, "losses": np.array(losses)}

    return model, (entropy, optimizer), told


class Large(nn.Module):
    """Of more numbers than a sample has."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(2)
        self.wide, self.lstm, self.last = nn.Linear(4, 1500), nn.LSTM(1500, 40, batch_first=True), nn.Linear(40, 3)

    def forward(self, values):
        return self.last(self.lstm(F.relu(self.wide(values))[:, None])[0][:, -1])


def large(path):
    for limit, name in ((4096, path), (None, path.with_name("whole.npz"))):
        record(Large(), TABLE, CLASSES, to=name, loss=F.cross_entropy, optimizer=sgd, limit=limit)


def words(path):
    weights = torch.tensor([1.0, 2.0, 0.5])
    told = {
        "entropy": nn.CrossEntropyLoss(weight=weights, label_smoothing=0.1),
        "a function": F.cross_entropy,
        "a part": functools.partial(F.cross_entropy, label_smoothing=0.2, reduction="sum"),
        "binary": nn.BCEWithLogitsLoss(),
        "probabilities": nn.BCELoss(),
        "huber": nn.HuberLoss(delta=0.5),
        "divergence": nn.KLDivLoss(reduction="batchmean"),
        "own": lambda outputs, y: 0,
    }
    made = {
        "sgd": functools.partial(torch.optim.SGD, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
        "adam": functools.partial(torch.optim.Adam, lr=0.1, betas=(0.8, 0.99), eps=1e-6),
        "adamw": functools.partial(torch.optim.AdamW, lr=0.1),
        "rmsprop": functools.partial(torch.optim.RMSprop, lr=0.1, alpha=0.95, centered=True),
    }
    found = {name: losses.describe(loss) for name, loss in told.items()}
    return found | {name: optimizers.describe(optimizer, dense()) for name, optimizer in made.items()}
