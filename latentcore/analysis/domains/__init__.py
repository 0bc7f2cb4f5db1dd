"""Domains: connected parts of a scan whose points are alike. On a polycrystal they are grains.

`edges` joins neighboring points, `hierarchies` merges them one pair at a time,
`hierarchy` cuts the result at a threshold, `threshold` proposes one, and `objects` describes the
domains that are found.
"""
