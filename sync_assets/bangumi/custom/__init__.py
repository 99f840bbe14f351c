"""What media servers and other programs say was watched, on its way to the matching.

`parsing` reads their events, `draining` takes them out of the inbox, `items` keeps what they say,
`watched` hands it to the matching. `waiting` names the events for the server and the sensor.
"""
