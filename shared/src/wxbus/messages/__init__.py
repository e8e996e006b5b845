"""Messages from anywhere: any program sends to a user, or posts an event about him, in the order of his lane.

from wxbus.messages import Bus
"""

from wxbus.messages.bus import Bus as Bus
