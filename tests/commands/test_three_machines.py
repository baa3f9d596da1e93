"""A team's store on one machine, and pipelines on two others at once, which reach it by tunnels alone.

`benchmarks/team.py` has eight pipelines, on one machine.
"""

from pathlib import Path

import joined_machines
import pytest
import team_services
from team_pipelines import run_at_once
from tunnel import tunnels

LACKING = joined_machines.missing() or team_services.missing()
pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(LACKING), reason=str(LACKING))]


def test_pipelines_of_two_machines_are_as_one_alone(tmp_path: Path):
    with (
        joined_machines.joined_machines(3) as (server, *clients),
        server.entered(),
        team_services.team_services() as services,
        tunnels(server, clients, list(services.site.ports.values())),
    ):
        found = run_at_once(tmp_path, services, [client.entered() for client in clients])
    assert (found.failed, found.journals, found.differs, found.unfinished) == ([], [], [], [])
    assert found.versions == 2
    assert found.runs == 2 * len(("run", "baseline", "train", "evaluate", "compare"))
