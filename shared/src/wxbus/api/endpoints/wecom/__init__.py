"""The endpoints of WeCom's API: one module for each family. `wxbus.api.wecom.families` names all of them."""
