"""Which handler gets the message, and whether it wants copies of it, too."""

from wxbus_worker.delivery.job import Job
from wxbus_worker.delivery.pipeline import Next
from wxbus_worker.delivery.settlement import Settlement
from wxbus_worker.handlers.route_table import RouteTable
from wxbus_worker.store.ports import dedup_key_of


class FindRoute:
    """Asks the routes, in their order."""

    def __init__(self, routes: RouteTable) -> None:
        self._routes = routes

    async def __call__(self, job: Job, call_next: Next) -> Settlement:
        """Run the rest with the route; without one if no handler wants the message."""
        found = self._routes.find(job.message, job.context)
        if found is not None:
            job.route, job.groups = found
            if job.route.takes_copies(job.message):
                # A copy that is pushed again is remembered for itself; one that RabbitMQ delivers again is the same.
                job.dedup_key = dedup_key_of(job.envelope, copies=True)
        return await call_next(job)
