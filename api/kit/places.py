"""What region codes such as `seoul-gangnam` are called; districts that nobody named keep their province."""

from api.kit.language import N_, plain_gettext

PROVINCES = {
    "seoul": N_("Seoul"), "busan": N_("Busan"), "daegu": N_("Daegu"), "incheon": N_("Incheon"),
    "gwangju": N_("Gwangju"), "daejeon": N_("Daejeon"), "ulsan": N_("Ulsan"), "sejong": N_("Sejong"),
    "gyeonggi": N_("Gyeonggi"), "gangwon": N_("Gangwon"), "chungbuk": N_("Chungbuk"),
    "chungnam": N_("Chungnam"), "jeonbuk": N_("Jeonbuk"), "jeonnam": N_("Jeonnam"),
    "gyeongbuk": N_("Gyeongbuk"), "gyeongnam": N_("Gyeongnam"), "jeju": N_("Jeju"),
}  # fmt: skip
DISTRICTS = {
    "gangnam": N_("Gangnam-gu"), "gangdong": N_("Gangdong-gu"), "gangseo": N_("Gangseo-gu"),
    "jongno": N_("Jongno-gu"), "mapo": N_("Mapo-gu"), "seocho": N_("Seocho-gu"),
    "seongdong": N_("Seongdong-gu"), "songpa": N_("Songpa-gu"), "yeongdeungpo": N_("Yeongdeungpo-gu"),
    "yongsan": N_("Yongsan-gu"),
}  # fmt: skip


def place(code: str | None) -> str:
    """A region in the reader's words; what is no code of ours is shown as it was written."""
    province, _dash, district = (code or "").partition("-")
    if province not in PROVINCES:
        return code or "–"
    named = plain_gettext(PROVINCES[province])
    return f"{named} {plain_gettext(DISTRICTS[district])}" if district in DISTRICTS else named
