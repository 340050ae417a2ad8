"""Taggers: each says something about a picture in words and numbers. One file each; `registry` lists them."""
