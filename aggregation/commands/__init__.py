"""The commands, one a file: read lines, call the library, write lines."""
