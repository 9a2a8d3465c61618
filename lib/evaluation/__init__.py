"""What several studies share: mask variants, scores, comparisons, simulated markets and price files as inputs."""
