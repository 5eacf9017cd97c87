//! The database's side of a move.

use std::error::Error;
use std::sync::Arc;

use model::StoreError;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use super::busy;
use super::copy::{Cell, Copy, HEADS, OUTBOX, Rows, TABLES};
use crate::MasterKey;
use crate::identity::{MOVED, Meta};
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

/// Reads all, marks the store as moved to `shown`, and lets `write` put it there, all while nobody else writes.
pub(super) async fn leave(
    pool: Pool,
    shown: String,
    write: impl for<'a> FnOnce(&'a Copy) -> Running<'a, ()> + Send + 'static,
) -> Result<Copy, StoreError> {
    let here = pool.address().shown.clone();
    pool.write(Among::Alone, move |conn| {
        Box::pin(async move {
            schema::bring_up_to_date(conn, &here).await?;
            meta::check_not_moved(conn).await?;
            check_idle(conn).await?;
            let copy = read(conn).await?;
            let moved = Meta::from([(MOVED.to_owned(), shown.into_bytes())]);
            meta::write(conn, &moved).await?;
            write(&copy).await?;
            Ok(copy)
        })
    })
    .await
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
