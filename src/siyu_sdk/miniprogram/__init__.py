"""Mini-program (小程序): stable tokens, login, shipping information of orders."""
