"""The fake mini-program platform (微信小程序)."""
