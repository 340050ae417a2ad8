"""How good the result is, and by whom: what verdicts, answers and their agreement say. Nothing here writes."""
