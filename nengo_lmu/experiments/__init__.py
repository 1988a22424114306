"""Questions that memories are asked, one folder each."""
