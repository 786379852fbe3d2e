"""What the stored words of orders are called."""

from api.kit import labels
from api.kit.labels import Label
from api.kit.language import N_
from models.messages.orders import OrderStatus, ShipmentStatus, StepKind, StepStatus
from models.messages.orders.returns import Condition, ReturnGround, ReturnKind, ReturnStatus, ReturnWay

labels.register(
    "order",
    {
        OrderStatus.RECEIVED: Label(N_("Order received"), "blue"),
        OrderStatus.CREDIT_CHECK: Label(N_("Credit check"), "violet"),
        OrderStatus.PAYMENT_DUE: Label(N_("To be paid"), "amber"),
        OrderStatus.RESERVING: Label(N_("Goods are prepared"), "indigo"),
        OrderStatus.SHIPPING: Label(N_("On the way"), "indigo"),
        OrderStatus.INSTALLING: Label(N_("Installation"), "violet"),
        OrderStatus.ACTIVATING: Label(N_("Contracts begin"), "teal"),
        OrderStatus.DONE: Label(N_("Order completed"), "green"),
        OrderStatus.CANCELLING: Label(N_("Being cancelled"), "orange"),
        OrderStatus.CANCELLED: Label(N_("Order cancelled"), "gray"),
        OrderStatus.RETURNING: Label(N_("Coming back"), "orange"),
        OrderStatus.RETURNED: Label(N_("Came back"), "gray"),
    },
)
labels.register(
    "order_step",
    {
        StepKind.CREDIT: Label(N_("Credit check"), "violet", "shield-check"),
        StepKind.PAYMENT: Label(N_("Payment"), "amber", "credit-card"),
        StepKind.RESERVATION: Label(N_("Goods set aside"), "indigo", "package"),
        StepKind.SHIPMENT: Label(N_("Parcel"), "indigo", "truck"),
        StepKind.INSTALLATION: Label(N_("Installation"), "violet", "wrench"),
        StepKind.ACTIVATION: Label(N_("Contracts"), "teal", "refresh-cw"),
    },
)
labels.register(
    "order_undo",
    {
        StepKind.CREDIT: Label(N_("The entry at the credit bureau is taken back")),
        StepKind.PAYMENT: Label(N_("The invoice is taken back; what was paid is given back")),
        StepKind.RESERVATION: Label(N_("The goods are released")),
        StepKind.SHIPMENT: Label(N_("The parcel is stopped, or fetched where it is")),
        StepKind.INSTALLATION: Label(N_("The installation is called off")),
        StepKind.ACTIVATION: Label(N_("The contracts end as if they had not begun")),
    },
)
labels.register(
    "order_step_status",
    {
        StepStatus.PLANNED: Label(N_("Planned"), "gray"),
        StepStatus.DOING: Label(N_("Under way"), "blue"),
        StepStatus.DONE: Label(N_("Done"), "green"),
        StepStatus.SKIPPED: Label(N_("Not needed"), "gray"),
        StepStatus.UNDOING: Label(N_("Being undone"), "orange"),
        StepStatus.UNDONE: Label(N_("Undone"), "gray"),
        StepStatus.STUCK: Label(N_("A colleague looks after it"), "red"),
    },
)
labels.register(
    "shipment",
    {
        ShipmentStatus.READY: Label(N_("Ready"), "blue"),
        ShipmentStatus.COLLECTED: Label(N_("Collected"), "indigo"),
        ShipmentStatus.IN_TRANSIT: Label(N_("In transit"), "indigo"),
        ShipmentStatus.OUT_FOR_DELIVERY: Label(N_("Out for delivery"), "violet"),
        ShipmentStatus.DELIVERED: Label(N_("Delivered"), "green"),
        ShipmentStatus.FAILED: Label(N_("Not delivered yet"), "red"),
        ShipmentStatus.CANCELLED: Label(N_("Stopped"), "gray"),
        ShipmentStatus.RETURNED: Label(N_("Came back"), "gray"),
    },
)
labels.register(
    "order_reason",
    {
        "unpaid": Label(N_("not paid in time")),
        "credit_refused": Label(N_("the credit check was not passed")),
        "not_delivered": Label(N_("could not be delivered")),
        "ended_by_operations": Label(N_("ended by operations")),
    },
)
labels.register(
    "return",
    {
        ReturnStatus.ASKED: Label(N_("Asked for"), "amber"),
        ReturnStatus.AGREED: Label(N_("To be handed over"), "blue"),
        ReturnStatus.ON_THE_WAY: Label(N_("On the way back"), "indigo"),
        ReturnStatus.ARRIVED: Label(N_("To be inspected"), "violet"),
        ReturnStatus.SETTLING: Label(N_("Being settled"), "teal"),
        ReturnStatus.SETTLED: Label(N_("Settled"), "green"),
        ReturnStatus.REFUSED: Label(N_("Return refused"), "red"),
        ReturnStatus.CALLED_OFF: Label(N_("Return called off"), "gray"),
        ReturnStatus.NOT_HANDED_OVER: Label(N_("Not handed over"), "orange"),
    },
)
labels.register(
    "return_kind",
    {
        ReturnKind.RETURN: Label(N_("Return, the money goes back")),
        ReturnKind.EXCHANGE: Label(N_("Exchange for the same")),
        ReturnKind.RETRIEVAL: Label(N_("Retrieval of our device")),
    },
)
labels.register(
    "return_ground",
    {
        ReturnGround.CHANGE_OF_MIND: Label(N_("I do not want it after all")),
        ReturnGround.DEFECT: Label(N_("It is defective")),
        ReturnGround.WRONG_ITEM: Label(N_("It is not what I ordered")),
        ReturnGround.CONTRACT_ENDED: Label(N_("The contract has ended")),
    },
)
labels.register(
    "return_way",
    {
        ReturnWay.CARRIER: Label(N_("The carrier fetches it"), "gray", "truck"),
        ReturnWay.VISIT: Label(N_("A technician takes it down and along"), "gray", "wrench"),
    },
)
labels.register(
    "return_condition",
    {
        Condition.WHOLE: Label(N_("Whole"), "green"),
        Condition.USED: Label(N_("Traces of use"), "amber"),
        Condition.DAMAGED: Label(N_("Damaged"), "orange"),
        Condition.WRONG: Label(N_("Something else came"), "red"),
        Condition.MISSING: Label(N_("Missing"), "red"),
        Condition.LOST: Label(N_("Lost by the carrier"), "gray"),
    },
)
