"""The banks whose accounts may be debited."""

from api.kit import labels
from api.kit.labels import Label
from api.kit.language import N_

BANKS = {
    "004": N_("KB Kookmin Bank"), "011": N_("NH Bank"), "020": N_("Woori Bank"), "081": N_("Hana Bank"),
    "088": N_("Shinhan Bank"), "090": N_("Kakao Bank"),
}  # fmt: skip
labels.register("bank", {code: Label(name) for code, name in BANKS.items()})
