"""What a brand would have to know to call the four platforms; here it opens a sandbox only."""

from __future__ import annotations

from attrs import field, frozen

from .keys import keys


@frozen(kw_only=True)
class Credentials:
    """Every id and secret of the sandbox. Secrets do not show in repr."""

    corpid: str
    corpsecret: str = field(repr=False)
    agentid: int
    callback_token: str = field(repr=False)
    callback_aes_key: str = field(repr=False)
    miniprogram_appid: str
    miniprogram_secret: str = field(repr=False)
    store_appid: str
    store_secret: str = field(repr=False)
    mchid: str
    serial_no: str
    """Serial number of the merchant's API certificate."""
    private_key: str = field(repr=False)
    """The merchant's private key, PEM."""
    api_v3_key: str = field(repr=False)
    public_key: str = field(repr=False)
    """The platform's public key (微信支付公钥), PEM."""
    public_key_id: str
    certificate: str = field(repr=False)
    """A platform certificate, PEM; `certificate_serial_no` is its serial."""
    certificate_serial_no: str
    brand_id: str
    product_coupon_id: str
    stock_id: str
    """A stock in SENDING, one coupon a person."""
    paused_stock_id: str
    """A stock in PAUSED: every issue is refused."""

    @property
    def openid_appids(self) -> tuple[str, str]:
        """The app ids linked to the brand: openids of either may get coupons."""
        return self.miniprogram_appid, self.store_appid


def make_credentials() -> Credentials:
    """The same ids in every sandbox; RSA keys are made once a process."""
    ring = keys()
    return Credentials(
        corpid="ww5a4db0c5a4db0c01",
        corpsecret="sandbox-corpsecret-0123456789abcdefghijklmn",
        agentid=1000002,
        callback_token="sandboxToken",
        callback_aes_key="c2l5dV9zZGsgc2FuZGJveCBjYWxsYmFjayBrZXkgMzI",
        miniprogram_appid="wx5a4db0c5a4db0c02",
        miniprogram_secret="sandbox-miniprogram-secret-01234",
        store_appid="wx5a4db0c5a4db0c03",
        store_secret="sandbox-store-secret-0123456789a",
        mchid="1900005005",
        serial_no="5A4DB0C5A4DB0C5A4DB0C5A4DB0C5A4DB0C00001",
        private_key=ring.merchant_pem,
        api_v3_key="sandboxApiV3Key0123456789abcdefg",
        public_key=ring.public_pem,
        public_key_id="PUB_KEY_ID_0119000050052026010100000001",
        certificate=ring.certificate_pem,
        certificate_serial_no=ring.certificate_serial_no,
        brand_id="120344",
        product_coupon_id="200000001",
        stock_id="100232301",
        paused_stock_id="100232302",
    )
