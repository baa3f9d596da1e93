"""One module a format of raw files. Each has `read(paths, dataset, bad_rows)`, which gives `Ingested` rows."""
