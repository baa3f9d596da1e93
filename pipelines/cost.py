"""Measures what the saved networks of all frameworks cost in use, by turns.

python -m pipelines.cost    reads build/train and build/split/test, writes build/cost.json
"""

from contextlib import ExitStack

from twintrain.command_line.commands import run_stage
from twintrain.evaluation.cost import measured_cost
from twintrain.frameworks.threads import inference_threads
from twintrain.frameworks.timed_network import TimedNetwork
from twintrain.settings.params import load_params
from twintrain.settings.sections.precision import array_dtype
from twintrain.system import project
from twintrain.training.seeds import seed_folders


def cost() -> None:
    """Runs the stage. The networks of all seeds cost the same, so that of the first is measured."""
    params = load_params()
    if not params.compare.cost:
        project.write_json(project.COST, {name: {} for name in params.frameworks})
        print("cost: not measured, since compare.cost is false")
        return
    threads = inference_threads(params.train.threads)
    seeds = params.train.seeds or [params.train.seed]
    with ExitStack() as processes:
        networks = {}
        for name in params.frameworks:
            folder = seed_folders(project.TRAIN / name, seeds)[seeds[0]]
            networks[name] = processes.enter_context(
                TimedNetwork(name, folder, array_dtype(params.train.dtype), threads)
            )
        for network in networks.values():
            network.wait()
        found = measured_cost(networks, *(network.process for network in networks.values()))
    project.write_json(project.COST, found)
    latencies = ", ".join(f"{name} {each['latency_1_ms']:.3g} ms" for name, each in found.items())
    print(f"cost: a row takes {latencies}")


if __name__ == "__main__":
    run_stage(cost)
