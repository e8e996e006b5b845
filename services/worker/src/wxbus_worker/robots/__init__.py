"""Texts of smart robots that grow while WeCom asks for them."""
