"""All events, one module per family (protocol reference 6).

A class declares an event completely: the default of `event` is WeChat's name, the other fields are the event's members.
A class without this default is a base class. `make reference` adds new classes to `models.csv`, where
`wxbus.wechat.registry` finds them, and `wxbus.wechat.public` imports new modules for type checkers.
"""
