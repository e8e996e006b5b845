"""The endpoints of WeChat's API: one module for each family. `wxbus.api.families` names all of them."""
