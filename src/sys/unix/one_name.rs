// SPDX-License-Identifier: MIT OR Apache-2.0
//! Names that are spelt differently and are one.
//!
//! By default APFS and HFS+ take upper and lower case for one, and so are all normal forms of a
//! Unicode text ("Apple File System Guide", "Frequently Asked Questions"; Technical Note TN1150).
//! The tables are the filesystem's own. What it would say is not guessed at here: a name is refused
//! rather than let through, and an entry is asked for rather than left out.

/// Whether a name may end with this lower-case ASCII text as the filesystem compares.
pub(super) fn may_end_with(name: &[u8], text: &str) -> bool {
    let name = String::from_utf8_lossy(name);
    // The Kelvin sign, too, has a small k for its lower case.
    let plain: String =
        name.chars().filter(|c| !is_ignored(*c)).flat_map(char::to_lowercase).collect();
    plain.ends_with(text)
}

/// TN1150, "Unicode Subtleties": HFS+ ignores these when it compares.
fn is_ignored(c: char) -> bool {
    matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
}

/// What follows `name` in a longer one that begins with it, or may: of what is not ASCII, and before
/// it, only the filesystem knows.
pub(super) fn rest_that_may_follow<'a>(name: &[u8], longer: &'a [u8]) -> Option<&'a [u8]> {
    let (head, tail) = split_after_the_last_that_is_not_ascii(name);
    let (longer_head, longer_tail) = split_after_the_last_that_is_not_ascii(longer);
    let (start, rest) = longer_tail.split_at_checked(tail.len())?;
    let fits = head.is_empty() == longer_head.is_empty() && start.eq_ignore_ascii_case(tail);
    fits.then_some(rest)
}

fn split_after_the_last_that_is_not_ascii(name: &[u8]) -> (&[u8], &[u8]) {
    name.split_at(name.iter().rposition(|byte| !byte.is_ascii()).map_or(0, |at| at + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reserved_ending_is_seen_in_every_spelling() {
        for name in ["x.flock", "X.FLOCK", "x.fLock", "x.floc\u{212a}", "x.fl\u{200c}ock\u{feff}"] {
            assert!(may_end_with(name.as_bytes(), ".flock"), "{name:?}");
        }
        for name in ["x.flocks", "flock", "x.fl0ck", "x.fl\u{f6}ck"] {
            assert!(!may_end_with(name.as_bytes(), ".flock"), "{name:?}");
        }
    }

    #[test]
    fn an_entry_is_asked_for_if_it_may_belong_to_the_marker() {
        let rest = |name: &str, longer: &str| {
            let rest = rest_that_may_follow(name.as_bytes(), longer.as_bytes());
            rest.map(|rest| String::from_utf8(rest.to_vec()).unwrap())
        };
        let stale = Some(".stale-1".to_owned());
        assert_eq!(rest("store.lock", "store.lock.stale-1"), stale);
        assert_eq!(rest("store.lock", "Store.LOCK.stale-1"), stale);
        // Written composed, and listed decomposed.
        assert_eq!(rest("\u{e4}.lock", "a\u{308}.lock.stale-1"), stale);
        // Another one, as the filesystem will say.
        assert_eq!(rest("\u{e4}.lock", "\u{f6}.lock.stale-1"), stale);
        for other in
            ["other.lock.stale-1", "store.loc", "xstore.lock.stale-1", "\u{e4}store.lock.stale-1"]
        {
            assert_eq!(rest("store.lock", other), None, "{other:?}");
        }
        assert_eq!(rest("\u{e4}.lock", "a.lock.stale-1"), None);
    }
}
