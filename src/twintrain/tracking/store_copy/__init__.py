"""From a store of one machine to that of a team: rows from database to database, artifacts to where its server looks.

MLflow 3.17 itself moves folders of runs into SQLite and no further, and what exports runs over its API gives them other
ids and leaves logged models behind.
"""
