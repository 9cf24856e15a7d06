"""Times, months and periods, as the rules have them."""

import calendar
import datetime

UTC = datetime.timezone.utc
HOUR = datetime.timedelta(hours=1)
DAY = datetime.timedelta(days=1)
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=UTC)
NEVER = "1970-01-01T00:00:00.000000Z"  # as a decision writes a time that there is not


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def text_of(time):
    """As a decision writes it."""
    return time.isoformat(timespec="microseconds")[:-6] + "Z"


def seconds(time):
    return (time - EPOCH) // datetime.timedelta(seconds=1)


def months_later(anchor, months):
    """The anchor's day in the month so many later, or that month's last day."""
    year, month = divmod(anchor.year * 12 + anchor.month - 1 + months, 12)
    day = min(anchor.day, calendar.monthrange(year, month + 1)[1])
    return anchor.replace(year=year, month=month + 1, day=day)


def period_around(anchor, months, time):
    """The whole period, of those counted from the anchor, that holds the time."""
    count = 0
    while months_later(anchor, (count + 1) * months) <= time:
        count += 1
    return months_later(anchor, count * months), months_later(anchor, (count + 1) * months)


def month_of(time):
    return time.year, time.month


def month_begin(month):
    return datetime.datetime(month[0], month[1], 1, tzinfo=UTC)


def month_end(month):
    return month_begin((month[0] + month[1] // 12, month[1] % 12 + 1))


def oldest_month(now):
    """The oldest whose usage still counts: two months after its own may be closed, an hour after their end."""
    year, month = month_of(now - HOUR)
    year, month = divmod(year * 12 + month - 1 - 2, 12)
    return year, month + 1
