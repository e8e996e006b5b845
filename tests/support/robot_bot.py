"""A robot that takes seconds to write its answer, and continues to answer applications and customers."""

import asyncio

from deploy.demo_bot.handlers import router as demo
from wxbus_worker import RobotStream, RobotTextMessage, Router

WORDS = 20
PAUSE = 0.1

router = Router("robot")


@router.message(RobotTextMessage)
async def count(stream: RobotStream) -> str:
    """Say some numbers, one after another."""
    for number in range(WORDS):
        stream.say(f"{number} ")
        await asyncio.sleep(PAUSE)
    return "done"


router.include(demo)
