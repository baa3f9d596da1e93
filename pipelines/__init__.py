"""One module a stage of dvc.yaml, and the commands around them."""

import gc
import sys
from pathlib import Path

# The one effect of an import: nothing needs installing beyond requirements.txt.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

if sys.argv[0] == "-m":
    # Run as a command: importing MLflow and a framework makes millions of objects that all stay, and searching them
    # for garbage again and again takes a quarter of a short stage. `train` turns the collector on while it trains.
    gc.disable()
