"""Who can come, when, and what a visit allows next. Times are minutes; slots are Asia/Seoul."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from models.messages.field_service import VISIT_OVER, Candidate, Outcome, VisitStatus

SEOUL = ZoneInfo("Asia/Seoul")

# Points of a rank: hundreds outweigh a full week, a full week outweighs a lucky month.
PREVIOUS_POINTS = 1000
FULL_WEEK_POINTS = 100
RECENT_JOB_POINTS = 3
SAME_PROVINCE_PENALTY = 100
NEXT_PROVINCE_PENALTY = 200

# Provinces whose technicians may help out, by the first part of a region code.
NEXT_PROVINCES: Mapping[str, frozenset[str]] = {
    "seoul": frozenset({"gyeonggi", "incheon"}),
    "incheon": frozenset({"seoul", "gyeonggi"}),
    "gyeonggi": frozenset({"seoul", "incheon", "gangwon", "chungbuk", "chungnam"}),
    "gangwon": frozenset({"gyeonggi", "chungbuk", "gyeongbuk"}),
    "chungbuk": frozenset({"gyeonggi", "gangwon", "chungnam", "sejong", "daejeon"}),
    "chungnam": frozenset({"gyeonggi", "chungbuk", "sejong", "daejeon", "jeonbuk"}),
    "sejong": frozenset({"chungbuk", "chungnam", "daejeon"}),
    "daejeon": frozenset({"chungbuk", "chungnam", "sejong"}),
    "jeonbuk": frozenset({"chungnam", "jeonnam", "gwangju"}),
    "jeonnam": frozenset({"jeonbuk", "gwangju", "gyeongnam"}),
    "gwangju": frozenset({"jeonbuk", "jeonnam"}),
    "gyeongbuk": frozenset({"gangwon", "daegu", "ulsan", "gyeongnam"}),
    "gyeongnam": frozenset({"jeonnam", "gyeongbuk", "daegu", "busan", "ulsan"}),
    "daegu": frozenset({"gyeongbuk", "gyeongnam"}),
    "busan": frozenset({"gyeongnam", "ulsan"}),
    "ulsan": frozenset({"gyeongbuk", "gyeongnam", "busan"}),
    "jeju": frozenset(),
}
# The last of each province's first two digits of a postcode; Seoul's districts by three digits.
POSTCODES: Mapping[int, str] = {
    9: "seoul", 20: "gyeonggi", 23: "incheon", 26: "gangwon", 29: "chungbuk", 30: "sejong", 33: "chungnam",
    35: "daejeon", 40: "gyeongbuk", 43: "daegu", 45: "ulsan", 49: "busan", 53: "gyeongnam", 56: "jeonbuk",
    60: "jeonnam", 62: "gwangju", 63: "jeju",
}  # fmt: skip
SEOUL_POSTCODES: Mapping[str, range] = {
    "jongno": range(30, 33), "mapo": range(39, 43), "yongsan": range(43, 45), "seongdong": range(47, 49),
    "gangdong": range(52, 55), "songpa": range(55, 60), "gangnam": range(60, 65), "seocho": range(65, 69),
    "yeongdeungpo": range(72, 75), "gangseo": range(75, 79),
}  # fmt: skip
KOREAN_PROVINCES: Mapping[str, str] = {
    "서울": "seoul", "부산": "busan", "대구": "daegu", "인천": "incheon", "광주": "gwangju",
    "대전": "daejeon", "울산": "ulsan", "세종": "sejong", "경기": "gyeonggi", "강원": "gangwon",
    "충북": "chungbuk", "충청북": "chungbuk", "충남": "chungnam", "충청남": "chungnam",
    "전북": "jeonbuk", "전라북": "jeonbuk", "전남": "jeonnam", "전라남": "jeonnam",
    "경북": "gyeongbuk", "경상북": "gyeongbuk", "경남": "gyeongnam", "경상남": "gyeongnam", "제주": "jeju",
}  # fmt: skip


@dataclass(frozen=True)
class Worker:
    """What a rank needs to know of a technician; minutes count within the coming working days."""

    technician_id: str
    skills: frozenset[str]
    territories: frozenset[str]
    shift_minutes: int
    booked_minutes: int = 0
    recent_jobs: int = 0  # accepted in the last four weeks


@dataclass(frozen=True)
class Need:
    """What the visit asks for."""

    category: str
    region: str
    minutes: int = 120
    previous_technician_id: str | None = None


def rank(workers: Iterable[Worker], need: Need) -> tuple[Candidate, ...]:
    """Order those who can do it, best first; neighbours only when nobody of the region can."""
    able = [worker for worker in workers if _is_able(worker, need)]
    at_home = [worker for worker in able if need.region in worker.territories]
    found = [_candidate(worker, need) for worker in at_home or able if _penalty(worker, need) is not None]
    return tuple(sorted(found, key=lambda candidate: (-candidate.score, candidate.technician_id)))


def region_of(postcode: str, address: str, known: str = "") -> str:
    """The region code of an address, or "" when nothing tells; a finer one known before is kept."""
    found = _by_postcode(postcode.strip()) or _by_name(address.strip())
    return known if known.startswith(found) else found


def _by_postcode(postcode: str) -> str:
    if not (len(postcode) == 5 and postcode.isascii() and postcode.isdigit()):
        return ""
    first = int(postcode[:2])
    province = next((name for last, name in POSTCODES.items() if 0 < first <= last), "")
    part = int(postcode[:3]) if province == "seoul" else 0
    district = next((name for name, parts in SEOUL_POSTCODES.items() if part in parts), "")
    return f"{province}-{district}" if district else province


def _by_name(address: str) -> str:
    """A Korean address begins with its province, an English one ends with it."""
    if korean := [code for name, code in KOREAN_PROVINCES.items() if address.startswith(name)]:
        return korean[0]
    places = {code: address.lower().rfind(code) for code in NEXT_PROVINCES}
    last = max(places, key=lambda code: places[code])
    return last if places[last] >= 0 else ""


def _is_able(worker: Worker, need: Need) -> bool:
    free = worker.shift_minutes - worker.booked_minutes
    return need.category in worker.skills and free >= need.minutes


def _penalty(worker: Worker, need: Need) -> int | None:
    """Points lost for the way, or None when it is too far; nobody is too far from an unknown place."""
    if need.region in worker.territories:
        return 0
    if not need.region:
        return NEXT_PROVINCE_PENALTY
    home = _province(need.region)
    provinces = {_province(region) for region in worker.territories}
    if home in provinces:
        return SAME_PROVINCE_PENALTY
    if provinces & NEXT_PROVINCES.get(home, frozenset()):
        return NEXT_PROVINCE_PENALTY
    return None


def _province(region: str) -> str:
    return region.split("-", 1)[0]


def _candidate(worker: Worker, need: Need) -> Candidate:
    """Score one able technician and say why."""
    penalty = _penalty(worker, need) or 0
    share = min(worker.booked_minutes, worker.shift_minutes) * FULL_WEEK_POINTS // worker.shift_minutes
    score = FULL_WEEK_POINTS - share - penalty - RECENT_JOB_POINTS * worker.recent_jobs
    way = ["neighbour" if penalty else "territory"] if need.region else []
    reasons = ["skill", *way, _load_word(share)]
    if worker.recent_jobs == 0:
        reasons.append("fair_turn")
    if worker.technician_id == need.previous_technician_id:
        score += PREVIOUS_POINTS
        reasons.append("knows_the_case")
    return Candidate(worker.technician_id, score, tuple(reasons))


def _load_word(share: int) -> str:
    return "load_low" if share < 40 else "load_medium" if share < 75 else "load_high"


@dataclass(frozen=True)
class Slot:
    """A time that a customer may choose."""

    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class Diary:
    """A technician's working times by weekday (0 = Monday), days off, and what is already booked."""

    shifts: Mapping[int, tuple[time, time]]
    days_off: frozenset[date] = frozenset()  # absences and holidays
    booked: tuple[tuple[datetime, datetime], ...] = ()


@dataclass(frozen=True)
class SlotRule:
    """How long a slot is, how far apart slots start, and how much time is left for travel."""

    length: timedelta = timedelta(minutes=120)
    step: timedelta = timedelta(minutes=60)
    travel: timedelta = timedelta(minutes=30)


SLOT_RULE = SlotRule()


def free_slots(diary: Diary, since: datetime, days: int, rule: SlotRule = SLOT_RULE) -> tuple[Slot, ...]:
    """Every slot that begins at or after `since` within `days` calendar days, travel time kept free."""
    first = since.astimezone(SEOUL).date()
    return tuple(
        Slot(starts_at, starts_at + rule.length)
        for day in (first + timedelta(days=offset) for offset in range(days))
        for starts_at in _starts(diary, day, rule)
        if starts_at >= since and _is_free(diary, starts_at, rule)
    )


def _starts(diary: Diary, day: date, rule: SlotRule) -> Iterator[datetime]:
    shift = diary.shifts.get(day.weekday())
    if shift is None or day in diary.days_off:
        return
    starts_at = datetime.combine(day, shift[0], SEOUL)
    closes_at = datetime.combine(day, shift[1], SEOUL)
    while starts_at + rule.length <= closes_at:
        yield starts_at
        starts_at += rule.step


def _is_free(diary: Diary, starts_at: datetime, rule: SlotRule) -> bool:
    ends_at = starts_at + rule.length
    return all(
        ends_at + rule.travel <= begins or starts_at >= ends + rule.travel for begins, ends in diary.booked
    )


def shift_minutes(diary: Diary, first: date, days: int) -> int:
    """Minutes of shift from `first` on, days off left out."""
    total = 0
    for day in (first + timedelta(days=offset) for offset in range(days)):
        shift = diary.shifts.get(day.weekday())
        if shift is not None and day not in diary.days_off:
            begins, ends = (datetime.combine(day, moment) for moment in shift)
            total += int((ends - begins).total_seconds()) // 60
    return total


MAY: Mapping[VisitStatus, frozenset[str]] = {
    VisitStatus.SEARCHING: frozenset({"accept", "decline", "call_off"}),
    VisitStatus.UNASSIGNED: frozenset({"redispatch", "call_off"}),
    VisitStatus.ACCEPTED: frozenset({"choose_slot", "decline", "call_off", "reassign"}),
    VisitStatus.SCHEDULED: frozenset({"choose_slot", "decline", "call_off", "depart", "reassign"}),
    VisitStatus.TRAVELLING: frozenset({"call_off", "arrive"}),
    VisitStatus.ARRIVED: frozenset({"call_off", "start", "finish"}),
    VisitStatus.WORKING: frozenset({"finish"}),
}


def may(status: VisitStatus) -> frozenset[str]:
    """The commands that make sense now; an ended visit allows none."""
    return MAY.get(status, frozenset())


def refusal(status: VisitStatus, command: str) -> str | None:
    """The code with which `command` is refused now, or None."""
    if command in may(status):
        return None
    if status in VISIT_OVER:
        return "visit_over"
    return "offer_gone" if command == "accept" else "visit_wrong_step"


def may_end(status: VisitStatus, outcome: Outcome) -> bool:
    """Whether a visit may end like this now: only an absent customer ends it before the work began."""
    if status is VisitStatus.ARRIVED:
        return outcome is Outcome.CUSTOMER_ABSENT
    return status is VisitStatus.WORKING and outcome in ENDS


ENDS: Mapping[Outcome, VisitStatus] = {
    Outcome.REPAIRED: VisitStatus.COMPLETED,
    Outcome.PART_NEEDED: VisitStatus.INCOMPLETE,
    Outcome.NOT_REPAIRABLE: VisitStatus.INCOMPLETE,
    Outcome.CUSTOMER_ABSENT: VisitStatus.NO_SHOW,
}


@dataclass(frozen=True)
class Evidence:
    """What is stored of the work when the technician wants to finish."""

    required: frozenset[str] = frozenset()  # checklist codes that must be ticked
    ticked: frozenset[str] = frozenset()
    photos: Mapping[str, int] = field(default_factory=dict)  # by "before" and "after"
    is_signed: bool = False
    absence_reason: str = ""  # why there is no signature


def can_finish(outcome: Outcome, evidence: Evidence) -> str | None:
    """The code of what is missing, or None: a repair needs everything, an unfinished one the signature,
    a closed door nothing."""
    if outcome is Outcome.CUSTOMER_ABSENT:
        return None
    if outcome is Outcome.REPAIRED:
        if evidence.required - evidence.ticked:
            return "checklist_open"
        if not (evidence.photos.get("before") and evidence.photos.get("after")):
            return "photo_missing"
    if not evidence.is_signed and not evidence.absence_reason.strip():
        return "signature_missing"
    return None


def has_report(is_over: bool, outcome: Outcome | None) -> bool:
    """Whether somebody was there, so that there is something to report."""
    return is_over and outcome not in (None, Outcome.CANCELLED, Outcome.NOBODY)
