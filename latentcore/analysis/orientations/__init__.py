"""Crystal orientations: disorientation under the Laue groups, and the grains that it makes.

Quaternions are (w, x, y, z), unit vectors of float64, and turn the sample's axes into the crystal's
(intrinsic rotations about z, x, z by Bunge's angles): q and q·s are one orientation for each proper
rotation s of the crystal's Laue group.
"""
