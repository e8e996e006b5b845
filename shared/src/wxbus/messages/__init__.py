"""Messages from anywhere: any program sends to a user, or posts an event about a user, in the order of the lane.

from wxbus.messages import Bus
"""

from wxbus.messages.bus import Bus as Bus
