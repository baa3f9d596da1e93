"""A diff as one page of HTML that needs nothing beside it: no script, no network."""
