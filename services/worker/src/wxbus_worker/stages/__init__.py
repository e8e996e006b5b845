"""The stages a delivery passes, one module each; `wxbus_worker.pipeline` has their order."""
