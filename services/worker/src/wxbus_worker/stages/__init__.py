"""The stages a delivery passes, one module each; `wxbus_worker.stages.order` has their order."""
