"""Arithmetic on plain tensors, beneath the language: elementary operations, windows, ranks, scores, memory."""
