//! The databases that the suite runs on: a SQLite file, and a PostgreSQL server where the
//! environment names one.

use services::store::{Database, Store, Target};
use std::path::Path;

/// Names a PostgreSQL server in which databases may be made: a URL with an existing database.
#[cfg(feature = "postgres")]
const SERVER: &str = "WIRELANE_TEST_POSTGRES";

/// A fresh database of each kind that there is, with its name.
pub(crate) fn each(base: &Path, mut test: impl FnMut(&str, &Target)) {
    test("sqlite", &Target::Sqlite(base.join("store.db")));
    #[cfg(feature = "postgres")]
    match std::env::var(SERVER) {
        Ok(url) => test("postgres", &fresh(&url)),
        Err(_) => println!("NOT RUN: on PostgreSQL ({SERVER} names no server)"),
    }
}

#[cfg(feature = "postgres")]
fn fresh(url: &str) -> Target {
    use std::sync::atomic::{AtomicU32, Ordering};
    static COUNT: AtomicU32 = AtomicU32::new(0);
    // ORDERING: Relaxed: a lone count.
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("test_{}_{count}", std::process::id());
    let target = |url: &str| Target::parse(url, None, Path::new(".")).unwrap();
    target(url).open(false).unwrap().script(&format!("CREATE DATABASE {name}")).unwrap();
    let (server, _) = url.rsplit_once('/').unwrap();
    target(&format!("{server}/{name}"))
}

/// The store on it.
pub(crate) fn store(target: &Target) -> Store {
    Store::open(target.open(true).unwrap()).unwrap()
}

/// One number of it.
pub(crate) fn number(database: &mut dyn Database, sql: &str) -> i64 {
    database.number(sql, Vec::new()).unwrap().unwrap()
}

/// One sum of it, which may be beyond 64 bits.
pub(crate) fn sum(database: &mut dyn Database, of: &str, from: &str) -> i128 {
    let sql = format!("SELECT CAST(COALESCE(SUM({of}), 0) AS TEXT) FROM {from}");
    database.rows(&sql, Vec::new()).unwrap()[0][0].text().unwrap().parse().unwrap()
}
