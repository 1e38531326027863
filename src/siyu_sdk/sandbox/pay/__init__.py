"""The fake WeChat Pay (微信支付)."""
