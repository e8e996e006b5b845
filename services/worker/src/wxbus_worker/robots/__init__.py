"""Texts of smart robots that grow while WeCom polls for them."""
