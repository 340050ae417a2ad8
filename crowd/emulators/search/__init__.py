"""A searx instance and the servers it leads to: pictures drawn for every query, and all that goes wrong on the way."""
