"""Secrets that lie in tables, as activities open them; pages only ever seal (models/kit/sealing.py)."""

from models.kit.sealing import Seals

__all__ = ["Seals"]
