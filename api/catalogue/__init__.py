"""What is sold: the shop and its cart for everybody, and the pages on which the catalogue is edited."""

from api.catalogue import basket, configurator, shop, words
from api.catalogue.routing import router

__all__ = ["basket", "configurator", "router", "shop", "words"]

# "/shop/cart" is a word, not a number: fixed addresses are tried before those with a placeholder.
router.routes.sort(key=lambda route: "{" in getattr(route, "path", ""))
