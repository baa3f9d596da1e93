"""The store of a team, on this machine: PostgreSQL, an S3 server and MLflow's server, from packages, in no containers.

All listen on the loopback address alone, and keep their data in one folder.
"""
