"""The steps of one delivery, one module each; `wxbus_worker.delivery.pipeline` has their order."""
