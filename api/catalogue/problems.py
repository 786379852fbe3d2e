"""Why something cannot be sold, in a sentence, with names instead of codes."""

from collections.abc import Mapping

from api.catalogue.shelf import name_of
from api.kit.language import gettext as _
from models.messages.catalogue import BundleTerms
from models.rules.catalogue import MOST, Problem, Shelf


def item_names(terms: BundleTerms, shelf: Shelf) -> dict[str, str]:
    """What the parts of a bundle are called, by code."""
    plans = {one.terms.plan_id: one.terms for one in sorted(shelf.plans, key=lambda one: one.terms.version)}
    found: dict[str, str] = {}
    for item in terms.items:
        thing = shelf.product(item.product_id) or plans.get(item.plan_id or "")
        found[item.code] = name_of(thing) if thing is not None else item.code
    return found


def sentence(problem: Problem, names: Mapping[str, str]) -> str:
    """One problem as a sentence."""
    said = [names.get(code, code) for code in problem.codes]
    if problem.code == "requires":
        return _("“%(first)s” needs “%(others)s” as well.", first=said[0], others=listed(said[1:]))
    if problem.code == "excludes":
        return _("“%(names)s” do not go together. Please choose one.", names=listed(said))
    if problem.code == "one_of":
        return _("Please choose exactly one of “%(names)s”.", names=listed(said))
    if problem.code == "add_on_alone":
        return _("This can only be added to its main contract. Please put that into the cart too.")
    if problem.code == "quantity":
        return _("Please choose a quantity from 1 to %(most)d.", most=MOST)
    return _("This is no longer sold. Please take it out of the cart.")


def listed(names: list[str]) -> str:
    """Names one after the other, each in its own quotation marks."""
    return "”, “".join(names)
