"""What an experiment is told: params.yaml as typed sections, presets, overrides, and YAML itself."""
