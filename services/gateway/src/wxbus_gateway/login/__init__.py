"""Login, and the data that users share with the Mini Program."""
