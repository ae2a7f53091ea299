"""The asset graph, one file a node, in its order; wiring only."""
