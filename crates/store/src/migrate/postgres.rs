//! The database's side of a move.

use std::error::Error;
use std::sync::Arc;

use model::StoreError;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use super::busy;
use super::copy::{Cell, Copy, HEADS, OUTBOX, Rows, TABLES};
use crate::MasterKey;
use crate::identity::{MOVED, MOVING, Meta};
use crate::postgres::{Among, Conn, Pool, Running, get, meta, schema};

impl ToSql for Cell {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Number(number) => number.to_sql(ty, out),
            Self::Text(text) => text.to_sql(ty, out),
            Self::Bytes(bytes) => bytes.to_sql(ty, out),
        }
    }

    fn accepts(ty: &Type) -> bool {
        [Type::TEXT, Type::INT8, Type::BYTEA].contains(ty)
    }

    to_sql_checked!();
}

/// The identity of the store that is left.
pub(super) async fn meta_of(pool: &Pool) -> Result<Meta, StoreError> {
    let here = pool.address().shown.clone();
    pool.write(Among::Others, move |conn| {
        Box::pin(async move {
            schema::bring_up_to_date(conn, &here).await?;
            meta::read(conn).await
        })
    })
    .await
}

/// From now on nobody works here.
pub(super) async fn mark(pool: &Pool, shown: String) -> Result<(), StoreError> {
    pool.write(Among::Alone, move |conn| {
        Box::pin(async move {
            check_idle(conn).await?;
            meta::write(conn, &Meta::from([(MOVING.to_owned(), shown.into_bytes())])).await
        })
    })
    .await
}

/// Reads all, lets `write` put it there, and marks the store as moved to `shown`, all while nobody else writes.
pub(super) async fn leave(
    pool: &Pool,
    shown: String,
    write: impl for<'a> FnOnce(&'a Copy) -> Running<'a, ()> + Send + 'static,
) -> Result<Copy, StoreError> {
    pool.write(Among::Alone, move |conn| {
        Box::pin(async move {
            let copy = read(conn).await?;
            write(&copy).await?;
            meta::write(conn, &Meta::from([(MOVED.to_owned(), shown.into_bytes())])).await?;
            meta::forget(conn, MOVING).await?;
            Ok(copy)
        })
    })
    .await
}

/// Nothing came of it: work goes on here.
pub(super) async fn stay(pool: &Pool, failure: StoreError) -> StoreError {
    let stayed = pool.write(Among::Alone, |conn| Box::pin(meta::forget(conn, MOVING)));
    // What cannot be unmarked says so itself when it is opened.
    stayed.await.map_or_else(|again| again, |()| failure)
}

/// The identity of the store in a database; none if there is no store.
pub(super) async fn resident(pool: &Pool) -> Result<Option<Meta>, StoreError> {
    let there = "SELECT 1 FROM pg_class WHERE oid = to_regclass('keywright.meta')";
    if pool.read(there, Vec::new()).await?.is_empty() {
        return Ok(None);
    }
    let rows = pool.read("SELECT name, value FROM keywright.meta", Vec::new()).await?;
    rows.iter().map(|row| Ok((get(row, 0)?, get(row, 1)?))).collect::<Result<_, _>>().map(Some)
}

async fn check_idle(conn: &Conn) -> Result<(), StoreError> {
    let leased = "SELECT 1 FROM rotation WHERE lease_until > extract(epoch FROM now()) * 1000000";
    if conn.row(leased, &[]).await?.is_some() {
        return Err(busy("a rotation is being driven"));
    }
    let led = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid <> pg_backend_pid()
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    if conn.row(led, &[]).await?.is_some() {
        return Err(busy("somebody leads"));
    }
    Ok(())
}

/// Makes a store of it where there is none.
pub(super) async fn write(pool: &Pool, copy: Copy, key: MasterKey) -> Result<(), StoreError> {
    let shown = pool.address().shown.clone();
    let written = pool.write(Among::Alone, move |conn| {
        Box::pin(async move {
            schema::make(conn, &shown).await?;
            meta::write(conn, &copy.meta).await?;
            for table in TABLES {
                insert(conn, table, copy.rows(table.0)).await?;
            }
            for table in [HEADS, OUTBOX] {
                for row in copy.rows(table.0) {
                    if let Some(node) = row.first() {
                        let sql = "INSERT INTO log_node (name) VALUES ($1) ON CONFLICT (name) DO NOTHING";
                        conn.dynamic(sql, &[node]).await?;
                    }
                }
                insert(conn, table, copy.rows(table.0)).await?;
            }
            // Numbers go on behind those that came along.
            conn.batch(
                "SELECT setval(pg_get_serial_sequence('outbox', 'seq'), max(seq)) FROM outbox HAVING max(seq) > 0",
            )
            .await?;
            copy.check(&read(conn).await?, &key)
        })
    });
    written.await
}

async fn insert(conn: &Conn, (table, columns): (&str, &str), rows: &[Vec<Cell>]) -> Result<(), StoreError> {
    let places = (1..=columns.split(',').count()).map(|n| format!("${n}")).collect::<Vec<_>>().join(", ");
    let sql: Arc<str> = format!("INSERT INTO {table} ({columns}) VALUES ({places})").into();
    for row in rows {
        let params: Vec<&(dyn ToSql + Sync)> = row.iter().map(|cell| cell as _).collect();
        conn.dynamic(&sql, &params).await?;
    }
    Ok(())
}

async fn read(conn: &Conn) -> Result<Copy, StoreError> {
    let mut copy = Copy { meta: meta::read(conn).await?, ..Copy::default() };
    copy.meta.remove(MOVING);
    for (table, columns) in TABLES.into_iter().chain([HEADS, OUTBOX]) {
        let sql = format!("SELECT {columns} FROM {table} ORDER BY 1, 2");
        let mut rows = Rows::new();
        for row in conn.dynamic(&sql, &[]).await? {
            let cell = |column: usize| {
                let ty = row.columns().get(column).map(|one| one.type_().clone());
                Ok(match ty {
                    Some(Type::INT8) => get::<Option<i64>>(&row, column)?.map_or(Cell::Null, Cell::Number),
                    Some(Type::BYTEA) => {
                        get::<Option<Vec<u8>>>(&row, column)?.map_or(Cell::Null, Cell::Bytes)
                    }
                    _ => get::<Option<String>>(&row, column)?.map_or(Cell::Null, Cell::Text),
                })
            };
            rows.push((0..row.len()).map(cell).collect::<Result<_, StoreError>>()?);
        }
        copy.tables.insert(table, rows);
    }
    Ok(copy)
}
