"""Crowd platforms to rehearse against: each emulator is a market of its own behind its platform's real protocol."""
