"""Speed of the checks of pictures beside what others have, on the same files in one run. `make bench-imaging`."""
