use super::*;
use crate::store::table::TABLES;

/// Goal: the columns that marks are put into are those that their names say.
#[test]
fn marks_go_into_their_columns() {
    let columns = TABLES[Slot::Sessions as usize].columns;
    assert_eq!((columns[COMPLETE], columns[CLOSED]), ("complete_ns", "closed_ns"));
    assert_eq!(
        (columns[1], columns[4], columns[5], columns[6]),
        ("date_days", "config_sha256", "instruments_sha256", "topology")
    );
}

/// Goal: a text that is cut, not text, or holds what a database does not take, is dealt with.
#[test]
fn texts_are_whole_or_refused() {
    assert_eq!(text_of(b"abc", 3).as_deref(), Some("abc"));
    assert_eq!(text_of(b"abc", 4), None);
    assert_eq!(text_of(b"a\0\xff", 3).as_deref(), Some("a\u{fffd}\u{fffd}"));
}
