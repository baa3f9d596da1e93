"""The machine under a command: whole files, processes that end together, disks that are full."""
