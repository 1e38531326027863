"""The shared layer: calls as values, tokens, retries, limits, signatures. It knows no single platform."""
