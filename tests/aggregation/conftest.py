import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# the library needs no Django, and neither do its tests: without pytest-django nobody else puts the root on the path
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))
