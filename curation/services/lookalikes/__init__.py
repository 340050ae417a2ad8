"""Near-duplicates of a project: grouped by a job at several distances, corrected by people, taken out and back."""
