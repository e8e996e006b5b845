"""One delivery on its way: lanes keep the order, stages do the work, one place settles it."""
