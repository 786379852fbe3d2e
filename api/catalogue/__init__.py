"""What is sold: the shop and its cart for everybody, and the pages on which the catalogue is edited."""

from api.catalogue import basket, configurator, drafts, fitting, index, pages, products, shop, words
from api.catalogue.routing import router

__all__ = [
    "basket", "configurator", "drafts", "fitting", "index", "pages", "products", "router", "shop", "words",
]  # fmt: skip

# "/shop/cart" is a word, not a number: fixed addresses are tried before those with a placeholder.
router.routes.sort(key=lambda route: "{" in getattr(route, "path", ""))
