"""Every life that the worker lives, by word; a new one gets its line here."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from workflows import customers
    from workflows.billing import (
        BillAccountWorkflow,
        BillDayWorkflow,
        BillLettersWorkflow,
        BillRunWorkflow,
        CloseWorkflow,
        InvoiceWorkflow,
        MonthEndWorkflow,
        TaxDayWorkflow,
        TaxDocumentsWorkflow,
        WriteOffWorkflow,
    )
    from workflows.channels import LIVES_OF_CHANNELS
    from workflows.dunning import DunningDayWorkflow, DunningSweepWorkflow, DunningWorkflow
    from workflows.employee_requests import EmployeeRequestWorkflow, PersonNewsWorkflow, SimulateItemWorkflow
    from workflows.field_service import VisitWorkflow
    from workflows.knowledge import KnowledgeDayWorkflow
    from workflows.orders import ForgetCartsWorkflow, OrderWorkflow, ReturnWorkflow
    from workflows.partners import PartnerWorkflow
    from workflows.payments import (
        ChargeWorkflow,
        CollectionDayWorkflow,
        CollectionWorkflow,
        DepositWorkflow,
        KeyRevocationWorkflow,
        PaymentMethodWorkflow,
        RefundWorkflow,
        TransferBatchWorkflow,
        TransferDayWorkflow,
    )
    from workflows.staff import InvitationWorkflow, PeopleSyncWorkflow
    from workflows.subscriptions import (
        ActivationWorkflow,
        DeactivationWorkflow,
        DeviceExchangeWorkflow,
        DismissalWorkflow,
        ReactivationWorkflow,
        SubscriptionChangeWorkflow,
        SuspensionWorkflow,
    )
    from workflows.tickets import (
        InboundMailWorkflow,
        RetimingWorkflow,
        RuleTrialWorkflow,
        TicketBatchWorkflow,
        TicketWorkflow,
    )

WORKFLOWS: list[type] = [
    TicketWorkflow, VisitWorkflow, InvoiceWorkflow, ChargeWorkflow, RefundWorkflow, PaymentMethodWorkflow,
    InvitationWorkflow, *customers.WORKFLOWS, OrderWorkflow,
    ActivationWorkflow, DeactivationWorkflow, SubscriptionChangeWorkflow,
    BillDayWorkflow, BillRunWorkflow, BillLettersWorkflow, BillAccountWorkflow,
    MonthEndWorkflow, CloseWorkflow, TaxDayWorkflow, TaxDocumentsWorkflow,
    SuspensionWorkflow, ReactivationWorkflow, DismissalWorkflow, DunningWorkflow, DunningDayWorkflow,
    DunningSweepWorkflow, WriteOffWorkflow,
    CollectionDayWorkflow, CollectionWorkflow, DepositWorkflow, TransferBatchWorkflow, TransferDayWorkflow,
    DeviceExchangeWorkflow, ReturnWorkflow, KeyRevocationWorkflow, ForgetCartsWorkflow,
    InboundMailWorkflow, RetimingWorkflow, RuleTrialWorkflow, TicketBatchWorkflow,
    PeopleSyncWorkflow, EmployeeRequestWorkflow, PersonNewsWorkflow, SimulateItemWorkflow,
    KnowledgeDayWorkflow, PartnerWorkflow, *LIVES_OF_CHANNELS,
]  # fmt: skip
