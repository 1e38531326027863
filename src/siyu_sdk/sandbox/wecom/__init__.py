"""The fake WeCom (企业微信)."""
