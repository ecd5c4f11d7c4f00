// SPDX-License-Identifier: MIT OR Apache-2.0
//! Times: RFC 3339 read digit by digit, as section 5.6 has it, without a library.

use crtx::Marker;

/// A time, as a count of nanoseconds since 1970. `leap` for a second 60, which counts as the last
/// nanoseconds of second 59 and more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Time {
    pub(crate) unix_ns: i128,
    pub(crate) leap: bool,
}

struct Digits<'a>(&'a [u8]);

impl Digits<'_> {
    fn number(&mut self, digits: usize) -> Option<i128> {
        let (taken, rest) = self.0.split_at_checked(digits)?;
        self.0 = rest;
        taken.iter().try_fold(0, |number, byte| {
            byte.is_ascii_digit().then(|| number * 10 + i128::from(byte - b'0'))
        })
    }

    fn one_of(&mut self, wanted: &[u8]) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        wanted.contains(first).then_some(*first)
    }

    fn within(&mut self, range: std::ops::RangeInclusive<i128>) -> Option<i128> {
        self.number(2).filter(|number| range.contains(number))
    }

    /// Any number of digits; what is finer than a nanosecond is cut off.
    fn fraction(&mut self) -> Option<i128> {
        if self.0.first() != Some(&b'.') {
            return Some(0);
        }
        self.0 = &self.0[1..];
        let length = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, rest) = self.0.split_at(length);
        self.0 = rest;
        (length > 0).then(|| {
            (0..9).fold(0, |number, place| {
                number * 10 + i128::from(digits.get(place).map_or(0, |digit| digit - b'0'))
            })
        })
    }
}

fn is_leap_year(year: i128) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in(year: i128, month: i128) -> i128 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap_year(year) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days since 1970-01-01, counted year by year and month by month.
fn days_since_1970(year: i128, month: i128, day: i128) -> i128 {
    let length = |year| if is_leap_year(year) { 366 } else { 365 };
    let years: i128 = if year >= 1970 {
        (1970..year).map(length).sum()
    } else {
        -(year..1970).map(length).sum::<i128>()
    };
    years + (1..month).map(|month| days_in(year, month)).sum::<i128>() + day - 1
}

/// Reads a time.
pub(crate) fn parse(text: &str) -> Option<Time> {
    let mut text = Digits(text.as_bytes());
    let year = text.number(4)?;
    text.one_of(b"-")?;
    let month = text.within(1..=12)?;
    text.one_of(b"-")?;
    let day = text.within(1..=days_in(year, month))?;
    text.one_of(b"Tt")?;
    let hour = text.within(0..=23)?;
    text.one_of(b":")?;
    let minute = text.within(0..=59)?;
    text.one_of(b":")?;
    let second = text.within(0..=60)?;
    let fraction = text.fraction()?;
    let offset = match text.one_of(b"Zz+-")? {
        b'Z' | b'z' => 0,
        sign => {
            let hours = text.within(0..=23)?;
            text.one_of(b":")?;
            let minutes = text.within(0..=59)?;
            let offset = hours * 3600 + minutes * 60;
            if sign == b'-' { -offset } else { offset }
        }
    };
    let seconds = days_since_1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    let unix_ns = (seconds - offset) * 1_000_000_000 + fraction;
    text.0.is_empty().then_some(Time { unix_ns, leap: second == 60 })
}

/// What a marker's `acquired_at` means, if a marker may have it.
pub(crate) fn of_marker(text: &str) -> Option<i64> {
    parse(text).filter(|_| text.len() <= 63).and_then(|time| time.unix_ns.try_into().ok())
}

/// Target `times`.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if text.contains('\n') {
        return;
    }
    let marker = crate::marker::EXAMPLE.replacen(crate::marker::EXAMPLE_TIME, text, 1);
    let read = Marker::parse(marker.as_bytes()).ok();
    assert_eq!(read.as_ref().map(|marker| marker.acquired_at_unix_ns), of_marker(text), "{text:?}");
    if let Some(read) = read {
        assert_eq!(read.acquired_at, text);
    }
}
