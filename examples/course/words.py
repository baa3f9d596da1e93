"""Learns what words are like from their neighbours: python -m examples.course.words FRAMEWORK OUT.npz [EPOCHS]

Word2Vec's skip-gram with negative sampling (Mikolov et al. 2013): each word has a vector as the middle of a window and
another as a neighbour, and their product over their length is the logit of standing together; for each pair that does,
five neighbours are drawn by chance, as often as a word stands in the text to the power of 0.75. The network is a list
of layers like any other. Pairs and draws are one for both frameworks. All is float64; one framework a process.
"""

import sys
from pathlib import Path

import numpy as np

from twintrain.data.schema import Schema
from twintrain.frameworks import framework_module
from twintrain.models.initial_weights import draw_weights
from twintrain.models.network import Network, place_layers
from twintrain.settings.sections.training import Train
from twintrain.training.batches import epoch_batches

# Of each sentence three words come from one of these, at places that say nothing; the rest are fillers.
TOPICS = {
    "kitchen": "pan oven knife spoon kettle plate",
    "sea": "wave harbour sail anchor tide island",
    "music": "violin drum chorus melody piano rhythm",
    "sky": "cloud moon star comet storm rainbow",
    "farm": "cow plough barn wheat fence tractor",
}
FILLERS = ["the", "a", "of", "and", "with", "near", "under", "old", "small", "new"]
SENTENCES, LENGTH, WINDOW, DRAWN = 3000, 7, 3, 5
WORDS = [*FILLERS, *(word for words in TOPICS.values() for word in words.split())]
SIZE, EPOCHS, BATCH_SIZE, RATE, SEED = 12, 3, 512, 0.05, 0
LAYERS = [
    {"embedding": {"output_dim": SIZE}, "name": "words"},
    {"reshape": {"target_shape": [2, SIZE]}, "name": "pair"},
    {"take_step": {"index": 0}, "from": "pair", "name": "middle"},
    {"take_step": {"index": 1}, "from": "pair", "name": "neighbour"},
    {"multiply": None, "from": ["middle", "neighbour"]},
    {"reshape": {"target_shape": [SIZE, 1]}},
    "global_avg_pool",
]


def sentences(rng: np.random.Generator) -> np.ndarray:
    """Word numbers, int64 (SENTENCES, LENGTH): fillers, and at three places words of one topic."""
    made = rng.integers(len(FILLERS), size=(SENTENCES, LENGTH))
    topics = np.arange(len(WORDS) - len(FILLERS)).reshape(len(TOPICS), -1) + len(FILLERS)
    for sentence in made:
        sentence[rng.choice(LENGTH, 3, replace=False)] = rng.choice(topics[rng.integers(len(topics))], 3)
    return made


def pairs(text: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of word numbers, int64 (rows, 2), and whether they stand together, int64 (rows,)."""
    together = np.concatenate(
        [
            np.stack([text[:, middle], text[:, other]], axis=1)
            for middle in range(LENGTH)
            for other in range(max(middle - WINDOW, 0), min(middle + WINDOW + 1, LENGTH))
            if other != middle
        ]
    )
    chances = np.bincount(text.ravel(), minlength=len(WORDS)) ** 0.75
    drawn = rng.choice(len(WORDS), size=(len(together), DRAWN), p=chances / chances.sum())
    apart = np.stack([np.repeat(together[:, 0], DRAWN), drawn.ravel()], axis=1)
    return np.concatenate([together, apart]), np.repeat([1, 0], [len(together), len(apart)])


def network() -> Network:
    """Two words in, the logit of standing together out."""
    schema = Schema(
        dataset="words",
        task="binary",
        labels=["apart", "together"],
        input_shape=[2],
        input_dtype="int64",
        categories=[len(WORDS)] * 2,
        feature_names=None,
        outputs=1,
    )
    return place_layers(LAYERS, "words", "aligned", schema, Path("words"))


def learn(framework: str, epochs: int = EPOCHS) -> tuple[np.ndarray, np.ndarray]:
    """The vectors of the words, float64 (words, SIZE), and the loss of each epoch."""
    rng = np.random.default_rng(SEED)
    rows, labels = pairs(sentences(rng), rng)
    placed = network()
    settings = {"dtype": "float64", "batch_size": BATCH_SIZE, "optimizer": {"name": "adam", "learning_rate": RATE}}
    backend = framework_module(framework, "backend").Backend(placed, Train.model_validate(settings))
    backend.load_weights(draw_weights(placed, SEED))
    backend.load_rows(rows, labels)
    losses = []
    for epoch in range(epochs):
        batches = epoch_batches(len(rows), BATCH_SIZE, SEED, epoch)
        losses.append(backend.train_epoch(batches, np.full(len(batches), RATE * (1 - epoch / epochs)))[0])
    return next(iter(backend.weights().values())), np.array(losses)


def neighbours(vectors: np.ndarray, word: str, count: int = 3) -> list[str]:
    """The words whose vectors point most nearly where a word's does."""
    directions = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    likeness = directions @ directions[WORDS.index(word)]
    return [WORDS[number] for number in likeness.argsort()[::-1] if WORDS[number] != word][:count]


def of_one_topic(vectors: np.ndarray) -> float:
    """The share of the five nearest words that are of a word's own topic, over all words that have one."""
    found = [
        len(set(neighbours(vectors, word, 5)) & set(words.split())) / 5
        for words in TOPICS.values()
        for word in words.split()
    ]
    return float(np.mean(found))


def main(framework: str, out: str, epochs: str = str(EPOCHS)) -> None:
    """Runs one framework's side."""
    vectors, losses = learn(framework, int(epochs))
    np.savez(out, vectors=vectors, losses=losses)


if __name__ == "__main__":
    main(*sys.argv[1:])
