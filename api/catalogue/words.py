"""What the stored words of the catalogue are called."""

from api.kit import labels
from api.kit.labels import Label
from api.kit.language import N_
from models.messages.catalogue import PhaseKind, PlanKind, PriceKind, ProductKind, RuleKind, VersionStatus

labels.register(
    "product_kind",
    {
        ProductKind.DEVICE: Label(N_("Device"), "blue", "package"),
        ProductKind.CONTENT: Label(N_("Content"), "violet", "sparkles"),
        ProductKind.SERVICE: Label(N_("Service"), "teal", "handshake"),
    },
)
labels.register(
    "plan_kind",
    {
        PlanKind.RENTAL: Label(N_("Rental"), "indigo", "house"),
        PlanKind.SUBSCRIPTION: Label(N_("Subscription"), "blue", "refresh-cw"),
        PlanKind.CONTENT: Label(N_("Content"), "violet", "sparkles"),
        PlanKind.SERVICE: Label(N_("Care"), "teal", "heart-handshake"),
    },
)
labels.register(
    "version",
    {
        VersionStatus.DRAFT: Label(N_("Draft"), "gray"),
        VersionStatus.REVIEW: Label(N_("In review"), "amber"),
        VersionStatus.PUBLISHED: Label(N_("Published"), "green"),
        VersionStatus.RETIRED: Label(N_("No longer sold"), "gray"),
    },
)
labels.register(
    "phase",
    {
        PhaseKind.TRIAL: Label(N_("Trial, free"), "green"),
        PhaseKind.DISCOUNT: Label(N_("Discount"), "teal"),
        PhaseKind.TERM: Label(N_("Minimum term"), "indigo"),
        PhaseKind.EVERGREEN: Label(N_("Open-ended"), "blue"),
    },
)
labels.register(
    "price",
    {
        PriceKind.FIXED: Label(N_("Fixed")),
        PriceKind.PER_UNIT: Label(N_("Per unit")),
        PriceKind.TIERED: Label(N_("By tiers")),
        PriceKind.USAGE: Label(N_("By usage")),
    },
)
labels.register(
    "bundle_rule",
    {
        RuleKind.REQUIRES: Label(N_("The first needs the others")),
        RuleKind.EXCLUDES: Label(N_("At most one of these")),
        RuleKind.ONE_OF: Label(N_("Exactly one of these")),
    },
)
labels.register(
    "tax_rule",
    {
        "kr-vat-10-included": Label(N_("VAT 10 % included")),
        "kr-vat-free": Label(N_("Free of VAT")),
    },
)
