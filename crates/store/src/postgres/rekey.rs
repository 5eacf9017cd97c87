//! Another master key: every sealed value is opened and sealed again, in one transaction that no other write goes
//! beside.

use model::StoreError;

use super::connect::{Conn, get};
use super::meta;
use crate::MasterKey;
use crate::error::Constraint;
use crate::identity::rekeyed;
use crate::rows::{previous_place, sealed_place, secret_place};
use crate::seal::Sealer;

/// All or nothing.
pub(crate) async fn rekey(conn: &Conn, old: &Sealer, new: &MasterKey) -> Result<(), StoreError> {
    meta::check(conn, old.mark()).await?;
    let next = old.under(new);
    for row in conn.rows("SELECT name, value FROM sealed", &[]).await? {
        let name: &str = get(&row, 0)?;
        let sealed = old.reseal(sealed_place(name), get(&row, 1)?, &next)?;
        let sql = "UPDATE sealed SET value = $2 WHERE name = $1";
        conn.execute(Constraint::NONE, sql, &[&name, &sealed]).await?;
    }
    for row in conn.rows("SELECT id, secret FROM key WHERE secret IS NOT NULL", &[]).await? {
        let id: &str = get(&row, 0)?;
        let sealed = old.reseal(secret_place(id), get(&row, 1)?, &next)?;
        let sql = "UPDATE key SET secret = $2 WHERE id = $1";
        conn.execute(Constraint::NONE, sql, &[&id, &sealed]).await?;
    }
    let held = "SELECT rotation, number, previous FROM rotation_step WHERE previous IS NOT NULL";
    for row in conn.rows(held, &[]).await? {
        let (rotation, number): (&str, i64) = (get(&row, 0)?, get(&row, 1)?);
        let sealed = old.reseal(previous_place(&format!("{rotation}/{number}")), get(&row, 2)?, &next)?;
        let sql = "UPDATE rotation_step SET previous = $3 WHERE rotation = $1 AND number = $2";
        conn.execute(Constraint::NONE, sql, &[&rotation, &number, &sealed]).await?;
    }
    meta::write(conn, &rekeyed(&meta::read(conn).await?, old, new)?).await
}
