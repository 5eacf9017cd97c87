//! One connection: how it comes to be, and the statements it runs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use model::{Blame, Report, Retry, StoreError, StoreErrorKind};
use tokio_postgres::types::{FromSql, ToSql};
use tokio_postgres::{AsyncMessage, Client, Row, SimpleQueryMessage, Statement};

use super::address::Address;
use super::error::{connecting, constraint, postgres, too_long};
use crate::error::{Constraint, corrupt};

/// All of making one: names, TCP, TLS, password, setting up.
const CONNECT: Duration = Duration::from_secs(12);

/// What holds in each of our sessions. A write is durable when it is answered, whatever the server's default is.
const SESSION: &str = "SET search_path = keywright;
    SET statement_timeout = '20s';
    SET lock_timeout = '10s';
    SET idle_in_transaction_session_timeout = '30s';
    SET tcp_keepalives_idle = 5;
    SET tcp_keepalives_interval = 2;
    SET tcp_keepalives_count = 2;
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";

/// A parameter of a statement.
pub(crate) type Param<'a> = &'a (dyn ToSql + Sync);

/// A session of ours. Dropping it ends it.
pub(crate) struct Conn {
    client: Client,
    statements: Mutex<HashMap<&'static str, Statement>>,
}

/// Makes one; `told` is called for each notification, and dropped when the connection is gone. Runs on the
/// store's runtime.
pub(crate) async fn connect(
    address: &Arc<Address>,
    told: impl Fn() + Send + 'static,
) -> Result<Conn, StoreError> {
    match tokio::time::timeout(CONNECT, begin(address, told)).await {
        Ok(made) => made,
        Err(_elapsed) => Err(too_long("a connection was asked for")),
    }
}

async fn begin(address: &Address, told: impl Fn() + Send + 'static) -> Result<Conn, StoreError> {
    let refused = |error| connecting(&error, &address.shown);
    let (client, mut connection) = address.config.connect(address.tls.0.clone()).await.map_err(refused)?;
    tokio::spawn(async move {
        while let Some(Ok(message)) = std::future::poll_fn(|cx| connection.poll_message(cx)).await {
            if matches!(message, AsyncMessage::Notification(_)) {
                told();
            }
        }
    });
    let conn = Conn { client, statements: Mutex::default() };
    conn.batch(SESSION).await?;
    let asked = "SELECT pg_is_in_recovery(), current_setting('server_encoding')";
    for row in conn.rows(asked, &[]).await? {
        let (replica, encoding): (bool, String) = (get(&row, 0)?, get(&row, 1)?);
        let what = format!("cannot use the database `{}`", address.shown);
        let report = Report::new(Blame::Operator, Retry::AfterFix, what);
        let report = if replica {
            report
                .because("it is a replica, which takes no writes")
                .mend("name the primary in `store = …`, or several hosts: `postgresql://user@one,other/database?target_session_attrs=read-write`")
        } else if encoding != "UTF8" {
            report.because("its encoding is not UTF8").mend("createdb --encoding=UTF8 --template=template0 …")
        } else {
            continue;
        };
        return Err(StoreError::new(StoreErrorKind::Unavailable, report));
    }
    Ok(conn)
}

impl Conn {
    /// Whether it is gone.
    pub(crate) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Runs statements without parameters.
    pub(crate) async fn batch(&self, sql: &str) -> Result<(), StoreError> {
        self.client.batch_execute(sql).await.map_err(|error| postgres(&error))
    }

    /// As [`Conn::batch`], for who has to look at the failure itself.
    pub(crate) async fn raw_batch(&self, sql: &str) -> Result<(), tokio_postgres::Error> {
        self.client.batch_execute(sql).await
    }

    /// The last row of what statements without parameters give, as text.
    pub(crate) async fn last(&self, sql: &str) -> Result<Vec<String>, StoreError> {
        let said = self.client.simple_query(sql).await.map_err(|error| postgres(&error))?;
        let row = said.into_iter().rev().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        let row = row.ok_or_else(|| corrupt("a row", "none came"))?;
        (0..row.len())
            .map(|column| {
                let text = row.try_get(column).map_err(|error| postgres(&error))?;
                text.map(str::to_owned).ok_or_else(|| corrupt("a row", "a column is empty"))
            })
            .collect()
    }

    /// All rows of a query.
    pub(crate) async fn rows(&self, sql: &'static str, params: &[Param<'_>]) -> Result<Vec<Row>, StoreError> {
        let statement = self.statement(sql).await?;
        self.client.query(&statement, params).await.map_err(|error| postgres(&error))
    }

    /// The first row of a query.
    pub(crate) async fn row(
        &self,
        sql: &'static str,
        params: &[Param<'_>],
    ) -> Result<Option<Row>, StoreError> {
        Ok(self.rows(sql, params).await?.into_iter().next())
    }

    /// Runs one statement; gives how many rows it changed.
    pub(crate) async fn execute(
        &self,
        on: Constraint<'_>,
        sql: &'static str,
        params: &[Param<'_>],
    ) -> Result<usize, StoreError> {
        let statement = self.statement(sql).await?;
        let run = self.client.execute(&statement, params).await;
        let rows = run.map_err(|error| constraint(&error, on))?;
        Ok(usize::try_from(rows).unwrap_or(usize::MAX))
    }

    /// A query that is made at run time, once.
    pub(crate) async fn dynamic(&self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, StoreError> {
        self.client.query(sql, params).await.map_err(|error| postgres(&error))
    }

    async fn statement(&self, sql: &'static str) -> Result<Statement, StoreError> {
        let known = self.statements.lock().unwrap_or_else(PoisonError::into_inner).get(sql).cloned();
        if let Some(statement) = known {
            return Ok(statement);
        }
        let statement = self.client.prepare(sql).await.map_err(|error| postgres(&error))?;
        self.statements.lock().unwrap_or_else(PoisonError::into_inner).insert(sql, statement.clone());
        Ok(statement)
    }
}

/// A column of a row.
pub(crate) fn get<'a, T: FromSql<'a>>(row: &'a Row, column: usize) -> Result<T, StoreError> {
    row.try_get(column).map_err(|error| postgres(&error))
}

/// A count or number that is never negative.
pub(crate) fn unsigned(table: &str, value: i64) -> Result<u64, StoreError> {
    u64::try_from(value).map_err(|_negative| corrupt(table, "a number is negative"))
}

/// A count or number, as the database has them.
pub(crate) fn signed(value: u64) -> Result<i64, StoreError> {
    i64::try_from(value).map_err(|_huge| crate::error::bug("a number is too large for the store"))
}
