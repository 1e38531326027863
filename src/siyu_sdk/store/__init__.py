"""WeChat store (微信小店): stable tokens and orders."""
