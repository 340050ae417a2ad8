"""What the doors cost: pages of lists, uploads, imports and exports, beside another tool where it is installed."""
