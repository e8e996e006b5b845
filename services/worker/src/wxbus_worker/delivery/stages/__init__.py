"""The stages a delivery passes, one module each; `wxbus_worker.delivery.stages.order` has their order."""
