"""Quality, promises, buying and speed of the aggregation library: `make bench-aggregation` prints the tables."""
