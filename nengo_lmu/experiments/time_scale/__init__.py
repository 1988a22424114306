"""Windows that are learned."""
