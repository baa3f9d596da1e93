"""The three servers, in the order in which they need each other."""

from twintrain.tracking.services.mlflow_server import MlflowServer
from twintrain.tracking.services.postgres import Postgres
from twintrain.tracking.services.s3 import S3
from twintrain.tracking.services.site import Site

SERVERS = (Postgres, S3, MlflowServer)
Server = Postgres | S3 | MlflowServer


def servers(site: Site) -> list[Server]:
    """Those of a site."""
    return [server(site) for server in SERVERS]
