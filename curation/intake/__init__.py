"""Readers of what a lead brings: a folder, an archive, a video, a listing. Pure: candidates out, nothing stored."""
