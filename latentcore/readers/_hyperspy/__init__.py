"""HyperSpy's files: signals with axes, in HDF5 (``.hspy``) or in a zarr store (``.zspy``).

Facts: github.com/hyperspy/rosettasciio, ``_hierarchical.py``, whose layout both share.
``Experiments/<title>`` holds an array ``data`` and for each of its dimensions a group
``axis-<i>`` with the attributes name, scale, offset, size, units and navigate (before version 1.4
of the layout in ``_list_<n>_axes/<i>``); a signal within a signal's metadata is a group called
``_sig_<name>``.
"""
