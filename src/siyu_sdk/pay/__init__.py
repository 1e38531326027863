"""WeChat Pay (微信支付 APIv3): signed requests, verified replies, notifications, product coupons (商品券)."""
