"""Memories whose neurons hear their own error."""
