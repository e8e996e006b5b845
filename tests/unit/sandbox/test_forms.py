"""The forms of the page come from the models of messages and events."""

import aiohttp

from tests.support.sandbox import World
from tests.support.sizes import soak


async def test_every_message_and_event_has_a_form(world: World) -> None:
    """The list names what users of Official Accounts and Mini Programs cause; each schema can be used as it is."""
    async with aiohttp.ClientSession() as http:
        async with http.get(f"{world.url}/sandbox/forms") as answer:
            forms = {form["tag"]: form for form in await answer.json()}
        assert forms["location"] == {
            "tag": "location",
            "type": "location",
            "event": None,
            "title": "A location that a user sent.",
        }
        assert forms["event:scancode_push"].items() >= {"type": "event", "event": "scancode_push"}.items()
        assert not [tag for tag in forms if tag.startswith(("kf:", "robot:", "component:")) or "unknown" in tag]
        for tag in [*forms][:: soak(full=1, quick=8)]:
            async with http.get(f"{world.url}/sandbox/forms/{tag}") as answer:
                schema = await answer.json()
            assert schema["type"] == "object", tag
            assert not schema["properties"].keys() & {"ToUserName", "CreateTime", "MsgId", "Event"}, tag
        async with http.get(f"{world.url}/sandbox/forms/location") as answer:
            location = await answer.json()
        assert location["required"] == ["Location_X", "Location_Y"]
        async with http.get(f"{world.url}/sandbox/forms/voice") as answer:
            voice = (await answer.json())["properties"]
        assert "8 kHz" in voice["Format"]["description"], "the docstring of the field is its help"
        async with http.get(f"{world.url}/sandbox/forms/event:nothing") as answer:
            assert answer.status == 404
            assert "/sandbox/forms" in (await answer.json())["error"]
