"""What mini-programs, stores and official accounts have in common (api.weixin.qq.com): tokens, and third-party platforms."""
