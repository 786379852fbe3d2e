"""Where somebody may be led back to: pages of our own and nothing else."""

import re

SAFE_PATH = re.compile(r"/(?![/\\])[^\x00-\x20\\]*\Z")


def own_path(wish: str, otherwise: str = "") -> str:
    """The path that was wished for, if it is one of ours and not a door."""
    is_ours = len(wish) <= 500 and SAFE_PATH.match(wish) and not wish.startswith(("/sign-", "/signup"))
    return wish if is_ours else otherwise
