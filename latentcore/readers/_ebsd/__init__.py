"""What the vendors' EBSD files have in common, and each vendor's own facts.

Nearly all follow the h5ebsd layout (Jackson et al., Integrating Materials and Manufacturing
Innovation 3, 2014, doi:10.1186/2193-9772-3-4): a group per scan, in it ``EBSD/Data`` with one row
per point and ``EBSD/Header``. `scan` reads that layout, one module per vendor says where this one
keeps what, and `readers` makes a samples reader and a maps reader of it.
"""
