"""Several processes that train one network together, and what starts them."""
