"""Where files lie: a folder or a bucket of ours, and files of other buckets that are registered where they lie."""
