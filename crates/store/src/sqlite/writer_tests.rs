use super::*;

fn conn() -> Connection {
    let conn = Connection::open_in_memory().unwrap();
    conn.execute_batch("CREATE TABLE t (n INTEGER PRIMARY KEY, text TEXT) STRICT").unwrap();
    conn
}

/// A write of row `n`, which fails after it was written if `end` is an error.
fn job(
    n: i64,
    text: String,
    end: Result<(), StoreError>,
) -> (Box<dyn Job>, oneshot::Receiver<Result<i64, StoreError>>) {
    let (to, answered) = oneshot::channel();
    let run = move |conn: &Connection| {
        conn.execute("INSERT INTO t VALUES (?1, ?2)", (n, text)).map_err(|error| sqlite(&error))?;
        end.map(|()| n)
    };
    (Box::new(Write { run: Some(run), result: None, events: Events::None, to }), answered)
}

type Ends = Vec<Result<i64, StoreError>>;

/// Runs a group; gives how it ended, what each was answered, and the rows there are.
fn run_group(conn: &Connection, jobs: Vec<(String, Result<(), StoreError>)>) -> (Ends, Vec<i64>) {
    let made = (1..).zip(jobs).map(|(n, (text, end))| job(n, text, end));
    let (mut group, answers): (Vec<_>, Vec<_>) = made.unzip();
    let failed = transact(conn, &mut group).err();
    assert!(conn.is_autocommit(), "no transaction is left open");
    for job in group {
        job.answer(failed.as_ref());
    }
    let ends = answers.into_iter().map(|mut answer| answer.try_recv().unwrap()).collect();
    let mut rows = conn.prepare("SELECT n FROM t ORDER BY n").unwrap();
    (ends, rows.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect())
}

#[test]
fn a_write_that_fails_takes_no_other_with_it() {
    let conn = conn();
    let refused = || Err(bug("refused"));
    let jobs = [Ok(()), refused(), Ok(()), refused(), Ok(())];
    let (ends, rows) = run_group(&conn, jobs.map(|end| ("x".to_owned(), end)).to_vec());
    assert_eq!(ends, [Ok(1), Err(bug("refused")), Ok(3), Err(bug("refused")), Ok(5)]);
    assert_eq!(rows, [1, 3, 5]);
}

#[test]
fn on_a_full_disk_each_is_told_what_became_of_its_own() {
    let conn = conn();
    conn.pragma_update_and_check(None, "max_page_count", 20, |_| Ok(())).unwrap();
    let texts = [10, 1_000_000, 10].map(|length| ("x".repeat(length), Ok(())));
    let (ends, rows) = run_group(&conn, texts.to_vec());
    assert!(ends[1].is_err());
    for (n, end) in (1..).zip(&ends) {
        assert_eq!(end.is_ok(), rows.contains(&n), "{n}: {end:?}");
    }
    conn.pragma_update_and_check(None, "max_page_count", 100_000, |_| Ok(())).unwrap();
    conn.execute("DELETE FROM t", []).unwrap();
    let (ends, _) = run_group(&conn, vec![("x".to_owned(), Ok(()))]);
    assert_eq!(ends, [Ok(1)], "it goes on once there is room");
}

#[test]
fn when_the_transaction_is_not_durable_all_are_told() {
    let conn = conn();
    // A rule that is only looked at when the transaction ends.
    conn.execute_batch(
        "PRAGMA foreign_keys = ON;
         CREATE TABLE late (n REFERENCES t (n) DEFERRABLE INITIALLY DEFERRED);
         CREATE TRIGGER later AFTER INSERT ON t BEGIN INSERT INTO late VALUES (99); END",
    )
    .unwrap();
    let (ends, rows) = run_group(&conn, vec![("x".to_owned(), Ok(())), ("y".to_owned(), Ok(()))]);
    assert!(ends.iter().all(Result::is_err), "{ends:?}");
    assert_eq!(rows, Vec::<i64>::new());
}
