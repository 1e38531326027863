"""The fake store platform (微信小店)."""
