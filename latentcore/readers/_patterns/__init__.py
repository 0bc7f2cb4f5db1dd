"""Files of patterns alone: EDAX ``.up1`` and ``.up2``, Oxford ``.ebsp``; maps are beside them."""
