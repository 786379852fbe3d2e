"""What the small company sells: an order, a contract, a change and their money for both customers."""

from datetime import datetime, timedelta

from sqlmodel import SQLModel

from models.billing import CreditNote, Invoice, InvoiceLine
from models.catalogue import Bundle, BundleVersion, CrossSell, Plan, PlanVersion
from models.customers import Consent, PrivacyRequest, Signup
from models.journeys import OpenWait
from models.kit.records import to_record
from models.kit.timeline import ActorKind, EntryKind, TimelineEntry
from models.messages.billing.invoices import LineKind
from models.messages.catalogue import BundleItem, BundleTerms, PlanKind, PlanTerms, Price, VersionStatus
from models.messages.customers import ConsentKind, PrivacyKind
from models.messages.journeys import WaitFor
from models.messages.orders import ShipmentStatus, StepKind, StepStatus
from models.messages.orders.returns import ReturnGround, ReturnKind
from models.messages.payments import MethodStatus
from models.messages.subscriptions import ChangeKind, ChargeKind, Preview, SubscriptionStatus, Wish
from models.messages.systems import CallResult, System
from models.orders import (
    CartItem,
    Order,
    OrderAddress,
    OrderLine,
    OrderReservation,
    OrderStep,
    Return,
    ReturnLine,
    ReturnScan,
    Shipment,
    ShipmentEvent,
)
from models.payments import PaymentAttempt, PaymentMethod, Refund
from models.subscriptions import (
    Subscription,
    SubscriptionChange,
    SubscriptionCharge,
    SubscriptionPause,
)
from models.systems import SentMessage, SystemCall
from tests.builders.subscriptions import a_plan

TAX = "kr-vat-10-included"


def a_rental(version: int = 1, name: str = "p") -> PlanTerms:
    """The terms of the one plan: a device for rent."""
    return PlanTerms("pl", version, PlanKind.RENTAL, name, name, Price(unit_minor=55), product_id="pr")


def a_set(version: int = 1, name: str = "b") -> BundleTerms:
    """The terms of the one bundle: the plan, and a second one if somebody wants it."""
    parts = (BundleItem("rent", plan_id="pl"), BundleItem("more", plan_id="pl", is_optional=True))
    return BundleTerms("bu", version, name, name, parts)


def shelf(word: str, now: datetime) -> list[SQLModel]:
    """One plan and one bundle, each with a published version and a draft."""
    today = now.date()
    return [
        Plan(
            id="pl",
            code="pl",
            kind=PlanKind.RENTAL,
            name_ko="p",
            name_en="p",
            product_id="pr",
            created_at=now,
        ),
        Bundle(id="bu", code="bu", name_ko="b", name_en="b", created_at=now),
        *(
            PlanVersion(
                plan_id="pl",
                version=version,
                status=status,
                terms=to_record(a_rental(version, note or "p")),
                note=note,
                effective_from=today,
                author_id="a_admin",
                reviewer_id="a_agent_and_finance" if status is VersionStatus.PUBLISHED else None,
                created_at=now,
            )
            for version, status, note in ((1, VersionStatus.PUBLISHED, ""), (2, VersionStatus.DRAFT, word))
        ),
        *(
            BundleVersion(
                bundle_id="bu",
                version=version,
                status=status,
                terms=to_record(a_set(version, note or "b")),
                note=note,
                effective_from=today,
                author_id="a_admin",
                reviewer_id="a_agent_and_finance" if status is VersionStatus.PUBLISHED else None,
                created_at=now,
            )
            for version, status, note in ((1, VersionStatus.PUBLISHED, ""), (2, VersionStatus.DRAFT, word))
        ),
        CrossSell(id="xs", owns_product_id="pr", offers_plan_id="pl", reason_ko="r", reason_en="r"),
    ]


def sold(n: int, customer: str, other: str | None, word: str, now: datetime) -> list[SQLModel]:
    """Everything that hangs on one order of one customer; `other` is asked to take the contract over."""
    order, contract, change, today = f"O{n}", f"S{n}-1", f"C{n}", now.date()
    return [
        Signup(
            id=f"sg{n}",
            token_hash=f"sg{n}",
            channel="mail",
            address=f"{word.lower()}sg{n}@example.com",
            name=word,
            customer_id=customer,
            created_at=now,
        ),
        Consent(
            customer_id=customer, kind=ConsentKind.TERMS, version="1", is_given=True, at=now, source=word
        ),
        PrivacyRequest(
            id=f"pv{n}",
            customer_id=customer,
            kind=PrivacyKind.EXPORT,
            asked_by=word,
            asked_at=now,
            due_at=now + timedelta(days=10),
        ),
        PaymentMethod(
            id=f"pm{n}",
            customer_id=customer,
            customer_key=f"ck{n}",
            billing_key="secret",
            label=word,
            status=MethodStatus.ACTIVE,
            is_default=True,
            created_at=now,
        ),
        Order(
            id=order,
            submission_key=f"order{n}",
            customer_id=customer,
            quote={},
            once_minor=110,
            net_minor=100,
            tax_minor=10,
            monthly_minor=55,
            ship_name=word,
            ship_phone=word,
            ship_postcode=word,
            ship_address=word,
            ship_region="seoul",
            reason=word,
            placed_at=now,
        ),
        OrderLine(
            order_id=order,
            position=1,
            product_id="pr",
            plan_id="pl",
            plan_version=1,
            name_ko=word,
            name_en=word,
            quantity=1,
            once_minor=110,
            net_minor=100,
            tax_minor=10,
            tax_rule=TAX,
        ),
        OrderStep(
            order_id=order,
            position=1,
            kind=StepKind.PAYMENT,
            status=StepStatus.DONE,
            key=f"{order}:pay",
            reference=word,
            at=now,
        ),
        Shipment(id=f"{order}-1", order_id=order, carrier="carrier", tracking=f"{word}{n}", created_at=now),
        OrderReservation(
            reference=f"{order}-r1", position=1, order_id=order, quantity=1, shipment_id=f"{order}-1"
        ),
        OrderAddress(
            id=f"ad{n}",
            order_id=order,
            ship_name=word,
            ship_phone=word,
            ship_postcode=word,
            ship_address=word,
            created_at=now,
        ),
        ShipmentEvent(
            carrier="carrier",
            event_id=f"ev{n}",
            shipment_id=f"{order}-1",
            at=now,
            place=word,
            status=ShipmentStatus.IN_TRANSIT,
            received_at=now,
        ),
        Return(
            id=f"R{n}",
            submission_key=f"return{n}",
            customer_id=customer,
            order_id=order,
            kind=ReturnKind.RETURN,
            ground=ReturnGround.DEFECT,
            note=word,
            ship_name=word,
            ship_phone=word,
            ship_postcode=word,
            ship_address=word,
            tracking=word,
            reason=word,
            asked_at=now,
        ),
        ReturnLine(return_id=f"R{n}", position=1, product_id="pr", name_ko=word, name_en=word, quantity=1),
        ReturnScan(
            carrier="carrier",
            event_id=f"rs{n}",
            return_id=f"R{n}",
            status=ShipmentStatus.COLLECTED,
            at=now,
            place=word,
            received_at=now,
        ),
        CartItem(cart_key=f"cart{n}", position=1, line={"product_id": "pr"}, updated_at=now),
        Subscription(
            id=contract,
            customer_id=customer,
            order_id=order,
            plan_id="pl",
            plan_version=1,
            terms=to_record(a_plan("pl", 55)),
            billed_until=today + timedelta(days=30),
            bill_day=today.day,
            status=SubscriptionStatus.ACTIVE,
            starts_on=today,
            end_reason=word,
            created_at=now,
        ),
        SubscriptionPause(subscription_id=contract, from_on=today, until_on=today + timedelta(days=30)),
        SubscriptionChange(
            id=change,
            submission_key=f"change{n}",
            subscription_id=contract,
            customer_id=customer,
            other_customer_id=other,
            asked_by=word,
            kind=ChangeKind.TRANSFER,
            effective_on=today,
            wish=to_record(Wish(ChangeKind.TRANSFER, today, new_id=f"SC{n}-1", address=word)),
            preview=to_record(
                Preview(ChangeKind.TRANSFER, today, (), 0, 55, 0, None, now + timedelta(days=1))
            ),
            reason=word,
            created_at=now,
        ),
        SubscriptionCharge(
            id=f"ch{n}",
            subscription_id=contract,
            customer_id=customer,
            change_id=change,
            kind=ChargeKind.RECURRING,
            name_ko=word,
            name_en=word,
            gross_minor=55,
            net_minor=50,
            tax_minor=5,
            tax_rule=TAX,
            from_on=today,
            until_on=today + timedelta(days=30),
            created_at=now,
        ),
        Invoice(
            id=f"I{order}-1",
            number=f"2026-9{n:05}",
            case_id=order,
            customer_id=customer,
            net_minor=100,
            tax_minor=10,
            total_minor=110,
            issued_on=today,
            due_at=now,
            created_at=now,
        ),
        InvoiceLine(
            invoice_id=f"I{order}-1",
            position=1,
            kind=LineKind.PRODUCT,
            name_ko=word,
            name_en=word,
            quantity=1,
            unit_minor=110,
            gross_minor=110,
            net_minor=100,
            tax_minor=10,
            tax_rule=TAX,
        ),
        PaymentAttempt(
            id=f"I{order}-1.1",
            invoice_id=f"I{order}-1",
            ordinal=1,
            customer_id=customer,
            payment_key=word,
            amount_minor=110,
            created_at=now,
        ),
        CreditNote(
            id=f"cn{n}",
            number=f"C2026-{n:06}",
            invoice_id=f"I{order}-1",
            case_id=order,
            customer_id=customer,
            net_minor=100,
            tax_minor=10,
            total_minor=110,
            reason=word,
            issued_on=today,
            created_at=now,
        ),
        Refund(
            id=f"rf{n}",
            attempt_id=f"I{order}-1.1",
            invoice_id=f"I{order}-1",
            customer_id=customer,
            case_id=order,
            amount_minor=110,
            reason=word,
            created_at=now,
        ),
        *(
            TimelineEntry(
                key=f"tl{case}{public}",
                subject=f"case:{case}",
                case_id=case,
                customer_id=customer,
                at=now,
                kind=EntryKind.STEP,
                actor_kind=ActorKind.SYSTEM,
                sentence="orders.placed",
                details={"actor": word},
                is_public=public,
            )
            for case in (order, change, f"R{n}")
            for public in (True, False)
        ),
        *(
            OpenWait(
                workflow_id=f"case:{case}",
                key="pay",
                subject=f"case:{case}",
                case_id=case,
                customer_id=customer,
                who=WaitFor.CUSTOMER,
                what="answer",
                since=now,
                details={"technician": word},
            )
            for case in (order, change)
        ),
        SystemCall(
            system=System.STOCK,
            operation="reserve",
            key=f"stock:{order}",
            case_id=order,
            at=now,
            result=CallResult.OK,
            error=word,
        ),
        SentMessage(key=f"mail:{order}", system=System.MAIL, case_id=order, letter=word, sent_at=now),
    ]
