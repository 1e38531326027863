"""Token caches that processes and machines share, each in a file of its own; `siyu_sdk.caches` is the door to them."""
